import Federation
import Identity
import Testing

@Suite("Admission of updates")
struct AdmissionTests {
    static let other = hexDigest("other")

    struct Wrong: Sendable {
        var code: String
        var change: @Sendable (inout UpdateHeader) -> Void
    }

    static let wrongs = [
        Wrong(code: "wrong-federation") { $0.federation = "south" }, Wrong(code: "wrong-site") { $0.site = "site-2" },
        Wrong(code: "wrong-study") { $0.round.study = "stroke" }, Wrong(code: "stale-round") { $0.round.round = 7 },
        Wrong(code: "wrong-attempt") { $0.round.attempt = 2 }, Wrong(code: "wrong-plan") { $0.plan = other },
        Wrong(code: "wrong-base") { $0.base = other }, Wrong(code: "wrong-samples") { $0.samples = 0 },
        Wrong(code: "wrong-samples") { $0.samples = -5 }, Wrong(code: "wrong-samples") { $0.samples = .max },
        Wrong(code: "wrong-encoding") { $0.encoding = .bf16 }, Wrong(code: "wrong-size") { $0.update.bytes = 0 },
        Wrong(code: "wrong-size") { $0.update.bytes = 1 << 40 },
        Wrong(code: "malformed") { $0.update.digest = "../etc/passwd" },
        Wrong(code: "malformed") { $0.lacking = ["T1w", "CT"] },
    ]

    @Test("each wrong header is refused by its own name", arguments: wrongs.indices)
    func refusals(_ index: Int) throws {
        let wrong = Self.wrongs[index]
        let f = try Federated()
        let header = try f.header("site-1", wrong.change)
        #expect { try f.state.admit(header, from: "site-1", signatures: SimulatedSignatures.check) } throws: {
            ($0 as? Problem)?.code.rawValue == wrong.code
        }
    }

    @Test("other bytes for the same round are a conflict, an older round's header is stale, a longer norm too long")
    func others() throws {
        var f = try Federated(plan: ["max_norm: 2"])
        let old = try f.header("site-1") { $0.update.digest = Self.other }
        #expect { try f.send("site-2", norm: 2.5) } throws: { ($0 as? Problem)?.code == .tooLong }
        #expect { try f.send("site-2", norm: .infinity) } throws: { ($0 as? Problem)?.code == .notANumber }
        try f.send("site-1")
        #expect { try f.state.admit(old, from: "site-1", signatures: SimulatedSignatures.check) } throws: {
            ($0 as? Problem)?.code == .conflict
        }
        try f.send("site-2")
        try f.send("site-3")
        try f.fold()
        for index in 1...3 { try f.report("site-\(index)") }
        try f.judge(0.1)
        #expect { try f.state.admit(old, from: "site-1", signatures: SimulatedSignatures.check) } throws: {
            ($0 as? Problem)?.code == .staleRound
        }
    }

    @Test("signatures are over the kind of message, its text, and nobody else's key")
    func signatures() throws {
        let key = SigningKey()
        let consent = Consent(federation: "north", site: "a", study: "s", plan: Self.other, agrees: true)
        var signed = try Signed(consent, by: key)
        #expect(try signed.verified(by: key.publicKey) == consent)
        #expect(throws: Problem.self) { try signed.verified(by: SigningKey().publicKey) }
        let posing = Signed<Refusal>(text: signed.text, signature: signed.signature, signer: signed.signer)
        #expect { try posing.verified(by: key.publicKey) } throws: { ($0 as? Problem)?.code == .wrongSignature }
        signed.text = signed.text.replacing("true", with: "false")
        #expect { try signed.verified(by: key.publicKey) } throws: { ($0 as? Problem)?.code == .wrongSignature }
    }

    @Test("a header signed with a foreign key is refused before anything is kept")
    func foreignKey() throws {
        let f = try Federated()
        var header = try f.header("site-1")
        header.signature = SimulatedSignatures.signature(UpdateHeader.domain, hexDigest("key site-2"))
        #expect { try f.state.admit(header, from: "site-1", signatures: SimulatedSignatures.check) } throws: {
            ($0 as? Problem)?.code == .wrongSignature
        }
        #expect { try f.state.admit(f.header("site-1"), from: "site-1") } throws: {
            ($0 as? Problem)?.code == .wrongSignature
        }
    }
}
