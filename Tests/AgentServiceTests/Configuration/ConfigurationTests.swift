import AgentService
import Foundation
import Testing

@Suite("agent.yaml")
struct ConfigurationTests {
    @Test("an empty file is all defaults, and manual")
    func empty() throws {
        #expect(try AgentConfiguration.parse("") == AgentConfiguration())
        #expect(try AgentConfiguration.parse(FirstConfiguration.text) == AgentConfiguration())
        let approve = AgentConfiguration().approve
        #expect([approve.consent, approve.update, approve.evaluation, approve.release].allSatisfy { $0 == .manual })
    }

    @Test("the example of the repository is the file that enrolment writes")
    func example() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../../agent/agent.yaml")
        #expect(try String(contentsOf: path, encoding: .utf8) == FirstConfiguration.text)
    }

    @Test("every setting is read")
    func all() throws {
        let read = try AgentConfiguration.parse(
            """
            coordinator: fed.example.org:8443
            proxy: http://proxy:3128
            data: cases/manifest.csv
            studies: {tumour-1: , tumour-2: {data: /data/two.csv}}
            approve: {consent: automatic, update: manual, evaluation: automatic, release: automatic}
            minimum: {cases: 40, cases_per_class: 15}
            bandwidth: {up: 20 Mbit/s, down: 500 kB/s}
            hours: ["20:00-06:00", "12:00-13:30"]
            floors: {minimum_sites: 3, kinds: [training], max_norm: 10, require_open_mode_agreed: false, max_rounds: 5}
            trainer: {external: [/opt/train.sh, --gpu, "0"]}
            releases: all
            threads: 4
            precision: bf16
            """, file: "/etc/site/agent.yaml")
        #expect(read.data == "/etc/site/cases/manifest.csv")
        #expect(read.data(study: "tumour-2") == "/data/two.csv" && read.data(study: "tumour-1") == read.data)
        #expect(read.approve.consent == .automatic && read.approve.update == .manual)
        #expect(read.minimumCases == 40 && read.minimumCasesPerClass == 15)
        #expect(read.bandwidth.up == 2_500_000 && read.bandwidth.down == 500_000)
        #expect(read.floors.minimumSites == 3 && read.floors.kinds == ["training"] && read.floors.maximumNorm == 10)
        #expect(!read.floors.requireOpenModeAgreed && read.floors.maximumRounds == 5)
        #expect(read.trainer == .external(command: ["/opt/train.sh", "--gpu", "0"]))
        #expect(read.releases == .all && read.threads == 4 && read.precision == "bf16")
        #expect(read.manifests == ["/data/two.csv", "/etc/site/cases/manifest.csv"])
    }

    @Test(
        "what is wrong is said with its line",
        arguments: [
            ("data: a\napprov: {}", "line 2: there is no setting approv; did you mean approve?"),
            ("approve:\n  update: automatik", "line 2: approve.update is automatik"),
            ("approve:\n  updates: manual", "line 2: there is no setting approve.updates; did you mean update?"),
            ("threads: many", "line 1: threads must be a whole number"),
            ("hours: [\"25:00-26:00\"]", "line 1: hours has 25:00-26:00"),
            ("bandwidth: {up: fast}", "bandwidth.up is fast"),
            ("trainer: {external: train.sh}", "full path"),
            ("a: [", "not YAML"),
            ("floors: {max_norm: -1}", "must be a number above 0"),
        ])
    func wrong(_ text: String, _ sentence: String) {
        #expect {
            try AgentConfiguration.parse(text)
        } throws: { "\($0)".contains(sentence) }
    }

    @Test("hours hold across midnight, and without any it is always time")
    func hours() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        func at(_ hour: Int, _ minute: Int) -> Date { Date(timeIntervalSince1970: Double(hour * 3600 + minute * 60)) }
        let night = TransferHours(spans: [try #require(TransferHours.span("20:00-06:00"))])
        #expect(night.contains(at(20, 0), calendar: calendar) && night.contains(at(5, 59), calendar: calendar))
        #expect(!night.contains(at(6, 0), calendar: calendar) && !night.contains(at(19, 59), calendar: calendar))
        #expect(TransferHours.always.contains(at(12, 0), calendar: calendar))
        #expect(TransferHours.span("20:00") == nil && TransferHours.span("6:00-6:00") == nil)
    }
}
