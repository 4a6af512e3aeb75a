import Federation
import Foundation
import Statistics
import Testing
import Weights

@Suite struct EgressTests {
    private static let digest = String(repeating: "a", count: 64)
    private static let round = RoundReference(study: "glioma-1", round: 3, attempt: 1)

    private static func header(samples: Int = 40, loss: Double? = 0.4) -> UpdateHeader {
        UpdateHeader(
            federation: "north", site: "hospital-a", round: round, plan: digest, base: digest,
            update: ObjectReference(digest: digest, bytes: 1000), encoding: .f32, samples: samples, steps: 12,
            loss: loss, lacking: ["T2w"], software: "consilium 1.0, oneDNN bf16")
    }

    private static func report() -> EvaluationReport {
        let labels = (0..<80).map { $0 % 2 }
        let scores = labels.enumerated().map { [0, Double($1) + sin(Double($0))] }
        return EvaluationTests.report("hospital-a", labels: labels, models: [scores, scores])
    }

    /// A right message of every kind that carries JSON.
    private static func messages() throws -> [(EgressKind, String)] {
        let pem = "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n"
        let signature = String(repeating: "1", count: 128)
        let signed = Signed<UpdateHeader>(
            text: try MessageCoding.encode(header()), signature: signature, signer: digest)
        return try [
            (
                .poll,
                MessageCoding.encode(
                    PollRequest(
                        software: "agent 1.0", head: TranscriptHead(sequence: 9, hash: digest), known: "t1", wait: 55,
                        activities: [Activity(round: round, phase: .training, done: 3, total: 10)]))
            ),
            (
                .consent,
                MessageCoding.encode(
                    Consent(federation: "north", site: "hospital-a", study: "glioma-1", plan: digest, agrees: true))
            ),
            (
                .refusal,
                MessageCoding.encode(
                    Refusal(
                        federation: "north", site: "hospital-a", round: round, kind: .train, reason: .cases,
                        detail: "Too few cases of meningioma."))
            ),
            (.updateHeader, MessageCoding.encode(header())),
            (.upload, MessageCoding.encode(UploadRequest(header: signed))),
            (.report, MessageCoding.encode(report())),
            (.renewal, MessageCoding.encode(RenewalRequest(request: pem))),
            (
                .enrolment,
                MessageCoding.encode(
                    EnrolmentRequest(site: "hospital-a", request: pem, signingKey: digest, confirmation: digest))
            ),
        ]
    }

    private func reason(_ text: String, _ kind: EgressKind, _ limits: EgressLimits = .standard) -> EgressViolation? {
        do throws(EgressViolation) { try EgressSchema.check(text, as: kind, limits: limits) } catch { return error }
        return nil
    }

    @Test("a right message of every kind may leave, and every kind of JSON is tried here")
    func right() throws {
        let messages = try Self.messages()
        for (kind, text) in messages { #expect(reason(text, kind) == nil, "\(kind)") }
        let tried = Set(messages.map(\.0))
        for kind in EgressKind.allCases {
            #expect(tried.contains(kind) == (EgressSchema.fields(of: kind) != nil), "\(kind)")
            if !tried.contains(kind) { #expect(reason("{}", kind)?.reason == .malformed) }
        }
    }

    @Test("a field outside the schema is stopped in every kind, at every depth")
    func unknown() throws {
        for (kind, text) in try Self.messages() {
            for (number, place) in text.indices.filter({ text[$0] == "{" }).enumerated() {
                // Inside a signed text the brace is part of a string, and the quotes must be escaped there.
                let inside = kind == .upload && number > 1
                let key = inside ? "\\\"patient\\\":\\\"Doe\\\"," : "\"patient\":\"Doe\","
                var changed = text
                changed.insert(contentsOf: key, at: changed.index(after: place))
                let found = reason(changed, kind)
                #expect(found?.reason == .unknownField, "\(kind) \(number) \(String(describing: found))")
                #expect(found?.field.hasSuffix("patient") == true)
            }
        }
    }

    @Test("a missing field and a field of another type are stopped in every kind")
    func missing() throws {
        for (kind, text) in try Self.messages() {
            let fields = try #require(EgressSchema.fields(of: kind))
            let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            for field in fields {
                var changed = object
                changed[field.name] = nil
                let without = String(decoding: try JSONSerialization.data(withJSONObject: changed), as: UTF8.self)
                if object[field.name] != nil, !field.isOptional {
                    #expect(reason(without, kind)?.reason == .missingField, "\(kind) \(field.name)")
                }
                for wrong in [["x": 1], [["y"]], "\u{7}", -1e9, true] as [Any] {
                    if wrong is Bool, case .flag = field.type { continue }
                    changed[field.name] = wrong
                    let text = String(decoding: try JSONSerialization.data(withJSONObject: changed), as: UTF8.self)
                    let found = reason(text, kind)
                    #expect(found != nil && found?.field.hasPrefix(field.name) == true, "\(kind) \(field.name)")
                }
            }
        }
    }

    @Test(
        "values out of range are stopped",
        arguments: [
            (EgressKind.poll, "\"wait\":55", "\"wait\":56"), (.poll, "\"wait\":55", "\"wait\":55.5"),
            (.poll, "\"phase\":\"training\"", "\"phase\":\"napping\""),
            (.poll, "\"known\":\"t1\"", "\"known\":\"t\\u00071\""),
            (.poll, "\"done\":3", "\"done\":-3"), (.consent, "\"hospital-a\"", "\"Hospital A\""),
            (.refusal, "meningioma", "meningioma in \\/data\\/doe"), (.refusal, "meningioma", "C:\\\\doe"),
            (.updateHeader, "\"loss\":0.4", "\"loss\":1e7"), (.updateHeader, "\"loss\":0.4", "\"loss\":-1"),
            (.updateHeader, "\"encoding\":\"f32\"", "\"encoding\":\"int8\""),
            (.updateHeader, "\"samples\":40", "\"samples\":10000001"),
            (.updateHeader, "\"samples\":40", "\"samples\":40.5"),
            (.updateHeader, "[\"T2w\"]", "[\"CT\"]"), (.updateHeader, "[\"T2w\"]", "[]"),
            (.updateHeader, "\"samples\":40", "\"samples\":-40"), (.renewal, "-----BEGIN", "patient Doe"),
            (.report, "\"last\":63", "\"last\":64"), (.report, "\"attempt\":1", "\"attempt\":1e99"),
        ])
    func ranges(_ kind: EgressKind, _ before: String, _ after: String) throws {
        let text = try #require(try Self.messages().first { $0.0 == kind }?.1)
        #expect(text.contains(before))
        let found = reason(text.replacingOccurrences(of: before, with: after), kind)
        #expect(found?.reason == .outOfRange, "\(String(describing: found))")
    }

    @Test(
        "what is not plain JSON is stopped",
        arguments: [
            "", "{", "nothing", "[]", "{\"request\":\"a\",\"request\":\"b\"}", "{\"request\":\"a\"} ",
            "{\"request\":01}",
            "{\"request\":\"\\ud800\"}", "{\"request\":1e999}", "{\"request\":\"\u{1}\"}", "{\"request\" \"a\"}",
            "{\"request\":tru}", String(repeating: "[", count: 40) + String(repeating: "]", count: 40),
            "{\"request\":" + String(repeating: "[", count: 100_000), "{\"request\":\"a\",}",
        ])
    func malformed(_ text: String) {
        let found = reason(text, .renewal)
        #expect(found != nil && found?.description.hasPrefix("The message renewal") == true)
    }

    @Test("least cohorts hold for samples, classes and bins, and a site may raise them")
    func cohorts() throws {
        #expect(reason(try MessageCoding.encode(Self.header(samples: 9)), .updateHeader)?.reason == .cohort)
        #expect(reason(try MessageCoding.encode(Self.header(samples: 10)), .updateHeader) == nil)
        let raised = EgressLimits.standard.raised(leastCases: 41)
        #expect(reason(try MessageCoding.encode(Self.header(samples: 40)), .updateHeader, raised)?.reason == .cohort)
        #expect(EgressLimits.standard.raised(leastCases: 1) == .standard, "nothing lowers a limit")

        var few = Self.report()
        few.cases = [5, 4]
        #expect(reason(try MessageCoding.encode(few), .report)?.reason == .cohort)
        var classes = Self.report()
        classes.cases = [19, 61]
        #expect(reason(try MessageCoding.encode(classes), .report)?.reason == .cohort)
        var thin = Self.report()
        let first = thin.models[0].histograms[0].bins[0]
        thin.models[0].histograms[0].bins[0] = .init(first: first.first, last: first.last, positive: 9, negative: 0)
        #expect(reason(try MessageCoding.encode(thin), .report)?.reason == .cohort)
        let many = EgressLimits.standard.raised(leastCasesPerClass: 41)
        #expect(reason(try MessageCoding.encode(Self.report()), .report, many)?.reason == .cohort)
    }

    @Test("sums over training cases leave with ten cases a dimension, of the model they are of, and whole")
    func familiarity() throws {
        func found(_ cases: Int, dimensions: Int = 4, model: String? = nil, withAll: Int? = nil) throws
            -> EgressViolation.Reason?
        {
            var report = Self.report()
            var known = Familiarity(model: model ?? report.models[1].model, dimensions: dimensions)
            for i in 0..<cases {
                let values = (0..<dimensions).map { Double((i * ($0 + 3)) % 7) }
                known.add(features: values, images: i < withAll ?? cases ? values : values.map { _ in nil })
            }
            report.familiarity = known
            return reason(try MessageCoding.encode(report), .report)?.reason
        }
        #expect(try found(40) == nil)
        #expect(try found(39) == .cohort)
        #expect(try found(9, dimensions: 1) == .cohort)
        #expect(try found(200, withAll: 39) == .cohort)
        #expect(try found(200, dimensions: 17) == .outOfRange)
        #expect(try found(40, model: String(repeating: "b", count: 64)) == .inconsistent)
        let text = try MessageCoding.encode(Self.report())
        #expect(!text.contains("familiarity"))
    }

    @Test("fields of a report that contradict each other are stopped")
    func inconsistent() throws {
        func found(_ change: (inout EvaluationReport) -> Void) throws -> EgressViolation.Reason? {
            var report = Self.report()
            change(&report)
            return reason(try MessageCoding.encode(report), .report)?.reason
        }
        #expect(try found { _ in } == nil)
        #expect(try found { $0.models[1].correct = 81 } == .inconsistent)
        #expect(try found { $0.models[0].histograms.removeLast() } == .inconsistent)
        #expect(try found { $0.models[0].histograms[0].bins[0].positive += 1 } == .inconsistent)
        #expect(try found { $0.models[0].histograms[1].bins.removeLast() } == .inconsistent)
        #expect(try found { $0.models[0].histograms[1].bins[0].last += 1 } == .inconsistent)
        #expect(try found { $0.models[0].histograms[1].class = 0 } == .inconsistent)
        #expect(try found { $0.models = [] } == .outOfRange)
    }

    @Test("a no needs its reason")
    func reasonOfNo() throws {
        let no = Consent(federation: "n", site: "a", study: "s", plan: Self.digest, agrees: false)
        #expect(reason(try MessageCoding.encode(no), .consent)?.field == "reason")
    }

    @Test("on the wire a signed message is checked through its envelope")
    func envelope() throws {
        let signature = String(repeating: "1", count: 128)
        func found(_ samples: Int, _ signature: String) throws -> EgressViolation? {
            let signed = Signed<UpdateHeader>(
                text: try MessageCoding.encode(Self.header(samples: samples)), signature: signature,
                signer: Self.digest)
            let text = try MessageCoding.encode(UploadRequest(header: signed))
            do throws(EgressViolation) { try EgressSchema.check(text, as: .upload) } catch { return error }
            return nil
        }
        #expect(try found(40, signature) == nil)
        #expect(try found(9, signature)?.reason == .cohort)
        #expect(try found(40, "1234")?.field == "header.signature")
    }

    @Test("a sentence is made fit to leave: no slash, no line break, not longer than allowed")
    func sentence() {
        let made = EgressSchema.sentence("cannot read /data/doe\\x\n" + String(repeating: "ä", count: 300))
        #expect(!made.contains("/") && !made.contains("\\") && !made.contains("\n"))
        #expect(made.utf8.count <= 300 && made.utf8.count > 297)
    }

    @Test("docs/egress.md shows the very list that is checked")
    func page() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/egress.md")
        let text = try String(contentsOf: path, encoding: .utf8)
        if ProcessInfo.processInfo.environment["CONSILIUM_WRITE_DOCS"] == "1",
            let start = text.range(of: "<!-- schema -->\n"), let end = text.range(of: "<!-- end of schema -->")
        {
            let made = text[..<start.upperBound] + "\n" + EgressSchema.page + "\n" + text[end.lowerBound...]
            try String(made).write(to: path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: path, encoding: .utf8).contains("\n" + EgressSchema.page + "\n"))
    }
}
