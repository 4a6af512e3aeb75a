import AgentService
import Federation
import Foundation
import Identity
import Testing

@Suite("The door out of a site")
struct EgressGateTests {
    private func withGate(_ body: (EgressGate, String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("egress-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(EgressGate(signingKey: SigningKey(), log: EgressLog(path)), path)
    }

    @Test("a message of any kind with a field that is not on the list is stopped and written down")
    func everyKind() throws {
        for kind in EgressKind.allCases where EgressSchema.fields(of: kind) != nil {
            try withGate { gate, log in
                #expect(throws: EgressStop.self) { try gate.check(#"{"patient":"Jane Doe"}"#, as: kind) }
                let line = try #require(try EgressLog.last(1, of: log).first)
                #expect(line.event == .stopped && line.kind == kind.rawValue)
                #expect(line.reason?.contains("patient") == true && line.fields["patient"] == "Jane Doe")
            }
        }
    }

    @Test("a line that a crash cut off spoils no other")
    func torn() throws {
        try withGate { gate, log in
            try gate.note(.refusal, "{}")
            let handle = try #require(FileHandle(forWritingAtPath: log))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(#"{"time":12,"eve"#.utf8))
            try handle.close()
            try gate.note(.consent, "{}")
            #expect(try EgressLog.last(9, of: log).map(\.kind) == ["refusal", "consent"])
        }
    }
}
