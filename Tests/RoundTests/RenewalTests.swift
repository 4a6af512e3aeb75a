import Foundation
import LocalFederation
import Testing

@Suite(.serialized) struct RenewalTests {
    @Test("certificates of twenty seconds renew while rounds go on, and no request fails")
    func renewal() throws {
        var study = try EchoStudy(rounds: 1000)
        study.federation.settings = """
            certificates:
              site-lifetime: 20s
              server-lifetime: 20s

            """
        let (coordinator, agents) = try study.start()
        defer { for program in agents + [coordinator] { program.end() } }
        func log(_ index: Int) throws -> String {
            try String(contentsOfFile: "\(study.federation.folder)/\(study.site(index)).log", encoding: .utf8)
        }
        try study.wait {
            try (0..<study.sites).allSatisfy { try log($0).components(separatedBy: "certificate is renewed").count > 2 }
        }
        let rounds = try study.federation.status().seconds.count
        for index in 0..<study.sites {
            let troubles = try log(index).split(separator: "\n").filter { $0.contains("trying again") }
            #expect(troubles.isEmpty, "\(troubles)")
        }
        try study.wait { try study.federation.status().seconds.count > rounds }
        study.remove()
    }
}
