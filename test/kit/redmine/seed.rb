# Makes what the adapter's tests need and prints how to reach it, as JSON on the last line. May run again.
Setting.rest_api_enabled = '1'
Setting.default_language = 'en'

admin = User.find_by_login('admin')
admin.must_change_passwd = false
admin.save!(validate: false)
key = Token.find_or_create_by!(user_id: admin.id, action: 'api').value

tracker = Tracker.order(:id).first
project = Project.find_or_create_by!(identifier: 'permits') { |new_project| new_project.name = 'Permits' }
project.trackers = [tracker]
project.enable_module!('issue_tracking')

field = IssueCustomField.find_or_create_by!(name: 'hubKey') do |new_field|
  new_field.field_format = 'string'
  new_field.is_for_all = true
  new_field.is_filter = true
  new_field.searchable = true
  new_field.trackers = [tracker]
end

withdrawn = IssueStatus.find_or_create_by!(name: 'Withdrawn') { |status| status.is_closed = true }
Role.all.each do |role|
  IssueStatus.where.not(id: withdrawn.id).each do |from|
    WorkflowTransition.find_or_create_by!(role_id: role.id, tracker_id: tracker.id, old_status_id: from.id, new_status_id: withdrawn.id)
  end
end

statuses = IssueStatus.all.to_h { |status| [status.name, status.id] }
puts({ key: key, project: project.identifier, tracker: tracker.id, keyField: field.id, statuses: statuses }.to_json)
