/** Namespace of the simulated case service. */
export const simulatedNamespace = 'urn:example:vorgang:v1';

interface Spoken {
  readonly version: '1.1' | '1.2';
  readonly elements: 'qualified' | 'unqualified';
}

const operations = ['vorgangAnlegen', 'vorgaengeLesen', 'vorgangSuchen', 'aenderungenLesen', 'vorgangZuruecknehmen'];

/** Its WSDL 1.1. The address is that of a host inside, as services behind a proxy have it. */
export const simulatedWsdl = ({ version }: Spoken): string => `<?xml version="1.0" encoding="UTF-8"?>
<wsdl:definitions name="Vorgangsdienst" targetNamespace="${simulatedNamespace}" xmlns:tns="${simulatedNamespace}"
    xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/${version === '1.1' ? 'soap' : 'soap12'}/">
  <wsdl:types>
    <xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
      <xs:import namespace="${simulatedNamespace}" schemaLocation="http://fachverfahren.intern:8080/?xsd=1"/>
    </xs:schema>
  </wsdl:types>
${operations
  .map(
    (name) => `  <wsdl:message name="${name}"><wsdl:part name="parameters" element="tns:${name}"/></wsdl:message>
  <wsdl:message name="${name}Antwort"><wsdl:part name="parameters" element="tns:${name}Antwort"/></wsdl:message>`,
  )
  .join('\n')}
  <wsdl:message name="ohneTeile"/>
  <wsdl:portType name="Vorgangsdienst">
${operations
  .map(
    (name) => `    <wsdl:operation name="${name}">
      <wsdl:input message="tns:${name}"/><wsdl:output message="tns:${name}Antwort"/>
    </wsdl:operation>`,
  )
  .join('\n')}
    <wsdl:operation name="lebenszeichen"><wsdl:input message="tns:ohneTeile"/></wsdl:operation>
  </wsdl:portType>
  <wsdl:binding name="Vorgangsdienst" type="tns:Vorgangsdienst">
    <soap:binding transport="http://schemas.xmlsoap.org/soap/http" style="document"/>
${[...operations, 'lebenszeichen']
  .map(
    (name) => `    <wsdl:operation name="${name}">
      <soap:operation soapAction="${simulatedNamespace}/${name}"/>
      <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>`,
  )
  .join('\n')}
  </wsdl:binding>
  <wsdl:service name="Vorgangsdienst">
    <wsdl:port name="Vorgangsdienst" binding="tns:Vorgangsdienst"><soap:address location="http://fachverfahren.intern:8080/"/></wsdl:port>
  </wsdl:service>
</wsdl:definitions>
`;

/** Its schema, imported by the WSDL. */
export const simulatedSchema = ({ elements }: Spoken): string => `<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tns="${simulatedNamespace}" targetNamespace="${simulatedNamespace}"
    elementFormDefault="${elements}">
  <xs:element name="vorgangAnlegen">
    <xs:complexType><xs:sequence>
      <xs:element name="referenz" type="xs:string"/>
      <xs:element name="leistung" type="xs:string"/>
      <xs:element name="bezeichnung" type="xs:string" minOccurs="0"/>
      <xs:element name="antragsteller" type="tns:Person"/>
      <xs:element name="angaben" minOccurs="0">
        <xs:complexType><xs:sequence>
          <xs:element name="feld" minOccurs="0" maxOccurs="unbounded">
            <xs:complexType><xs:sequence>
              <xs:element name="name" type="xs:string"/><xs:element name="wert" type="xs:string" minOccurs="0"/>
            </xs:sequence></xs:complexType>
          </xs:element>
        </xs:sequence></xs:complexType>
      </xs:element>
      <xs:element name="anlage" type="tns:Anlage" minOccurs="0" maxOccurs="unbounded"/>
    </xs:sequence></xs:complexType>
  </xs:element>
  <xs:complexType name="Partei"><xs:sequence><xs:element name="name" type="xs:string"/></xs:sequence></xs:complexType>
  <xs:complexType name="Person">
    <xs:complexContent><xs:extension base="tns:Partei">
      <xs:sequence><xs:element name="email" type="xs:string" minOccurs="0"/></xs:sequence>
    </xs:extension></xs:complexContent>
  </xs:complexType>
  <xs:complexType name="Anlage">
    <xs:sequence>
      <xs:element name="dateiname" type="xs:string"/>
      <xs:element name="inhalt" type="xs:base64Binary"/>
    </xs:sequence>
    <xs:attribute name="medientyp" type="xs:string"/>
  </xs:complexType>
  <xs:complexType name="Vorgang"><xs:sequence>
    <xs:element name="vorgangsnummer" type="xs:string"/>
    <xs:element name="aktenzeichen" type="xs:string"/>
    <xs:element name="referenz" type="xs:string"/>
    <xs:element name="status" type="xs:string"/>
    <xs:element name="geaendertAm" type="xs:dateTime"/>
  </xs:sequence></xs:complexType>
  <xs:complexType name="Vorgaenge"><xs:sequence>
    <xs:element name="vorgang" type="tns:Vorgang" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType>
  <xs:element name="vorgaengeLesen">
    <xs:complexType><xs:sequence><xs:element name="vorgangsnummer" type="xs:string" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
  </xs:element>
  <xs:element name="vorgangSuchen">
    <xs:complexType><xs:sequence><xs:element name="referenz" type="xs:string"/></xs:sequence></xs:complexType>
  </xs:element>
  <xs:element name="aenderungenLesen">
    <xs:complexType><xs:sequence>
      <xs:element name="seit" type="xs:dateTime"/><xs:element name="hoechstens" type="xs:int"/><xs:element name="ab" type="xs:int" minOccurs="0"/>
    </xs:sequence></xs:complexType>
  </xs:element>
  <xs:element name="vorgangZuruecknehmen">
    <xs:complexType><xs:sequence>
      <xs:element name="vorgangsnummer" type="xs:string"/><xs:element name="grund" type="xs:string" minOccurs="0"/>
    </xs:sequence></xs:complexType>
  </xs:element>
${operations.map((name) => `  <xs:element name="${name}Antwort" type="tns:Vorgaenge"/>`).join('\n')}
</xs:schema>
`;
