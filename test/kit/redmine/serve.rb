# Serves Redmine on loopback, on the port in REDMINE_PORT (0 picks a free one, printed as `port <n>`).
# `rails server` looks for bundler's binstubs, which Debian's package does not have; Rack's own handler needs none.
require 'webrick'
require 'rack'
require 'rack/handler/webrick'
require '/usr/share/redmine/config/environment'

Rack::Handler::WEBrick.run(
  Rails.application,
  Host: '127.0.0.1',
  Port: Integer(ENV.fetch('REDMINE_PORT', '0')),
  AccessLog: [],
  Logger: WEBrick::Log.new($stderr, WEBrick::Log::WARN)
) do |server|
  puts "port #{server.listeners.first.addr[1]}"
  $stdout.flush
  %w[INT TERM].each { |signal| trap(signal) { server.shutdown } }
end
