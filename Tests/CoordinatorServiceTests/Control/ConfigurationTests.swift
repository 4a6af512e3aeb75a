import CoordinatorService
import Federation
import Foundation
import Testing

@Suite struct ConfigurationTests {
    @Test("the example that is shipped is understood, and says what the defaults are")
    func example() throws {
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
        let path = source + "/../../../coordinator/coordinator.yaml"
        let yaml = try String(contentsOfFile: path, encoding: .utf8)
        let read = try CoordinatorConfiguration(yaml: yaml, file: "coordinator.yaml")
        let address = CoordinatorConfiguration.Endpoint(host: "coordinator.example.org", port: 8443)
        #expect(read == CoordinatorConfiguration(name: "consilium", address: address, enrolmentPort: 8444))
    }

    @Test("what init writes is read back the same")
    func written() throws {
        for address in ["127.0.0.1:0", "[::1]:8443", "coordinator.example.org:443"] {
            let endpoint = try #require(CoordinatorConfiguration.Endpoint(address))
            let made = CoordinatorConfiguration(name: "glioma", address: endpoint, enrolmentPort: 9000)
            #expect(try CoordinatorConfiguration(yaml: made.yaml, file: "x") == made)
        }
    }

    @Test(
        "what is wrong is named with its line",
        arguments: [
            (
                "address: \"a:1\"\nlimits:\n  conections: 3\n",
                "x, line 3: limits.conections is not a key; the nearest one is limits.connections"
            ),
            ("address: \"a:1\"\nlissten: \"a:1\"\n", "x, line 2: lissten is not a key; the nearest one is listen"),
            (
                "address: \"a:1\"\naddress: \"b:1\"\n",
                "x is not YAML: line 1: address is there twice; compare it with the example"
            ),
            ("name: a\n", "x: address is missing; add one, such as address: coordinator.example.org:8443"),
            ("address: here\n", "x, line 1: address must be a host and a port, such as coordinator.example.org:8443"),
            (
                "address: \"a:1\"\ncertificates:\n  site-lifetime: 7\n",
                "x, line 3: certificates.site-lifetime must be a time such as 90s, 20m, 12h or 7d, from 20 s to 2592000 s"
            ),
            (
                "address: \"a:1\"\nevaluation:\n  - name: e\n    manifest: m\n    origin: found\n",
                "x, line 5: evaluation[].origin must be synthetic, public or agreement <reference>"
            ),
            ("- a\n", "x, line 1: the file must hold keys and values"),
        ])
    func refused(yaml: String, message: String) {
        #expect(throws: OperatorError(message)) { try CoordinatorConfiguration(yaml: yaml, file: "x") }
    }

    @Test("text that is not YAML is refused with its line")
    func broken() {
        let error = #expect(throws: OperatorError.self) {
            try CoordinatorConfiguration(yaml: "address: \"a:1\"\nlimits: {\n", file: "x")
        }
        #expect(error?.description.hasPrefix("x is not YAML: line 3") == true, "\(String(describing: error))")
    }

    @Test("a key file that others may read is refused, with what to run")
    func permissions() async throws {
        try await MadeState.with { made in
            try made.folder.check()
            let key = made.folder.authority("signing.key")
            #expect(chmod(key, 0o640) == 0)
            #expect(throws: OperatorError("\(key) can be read by others; run chmod 600 \(key)")) {
                try made.folder.check()
            }
            chmod(key, 0o600)
            chmod(made.folder.authority, 0o755)
            #expect(throws: OperatorError.self) { try made.folder.check() }
        }
    }
}
