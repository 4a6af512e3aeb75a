import Federation
import Files
import Foundation
package import Identity
package import Transport

/// Makes a site a member: keys are made here, the coordinator's root is known by the code, and both sides compare
/// eight words before the operator lets it in. Killed at any point, the same command goes on. In the folder of a site that
/// is a member already, a new code of its operator gives it fresh keys, as after its certificate ended or was revoked.
package struct Enrolment: Sendable {
    private static let limit = 1 << 16

    let code: EnrolmentCode
    let folder: StateFolder
    let proxy: ProxyChoice
    /// Between two questions whether it is decided.
    let pause: Duration

    package init(code: EnrolmentCode, folder: StateFolder, proxy: ProxyChoice, pause: Duration = .seconds(2)) {
        self.code = code
        self.folder = folder
        self.proxy = proxy
        self.pause = pause
    }

    /// Asks until it is decided, without end.
    /// - Parameter report: given one line whenever something new is to be said.
    /// - Throws: when the code or the site is refused, or the files cannot be written.
    package func run(report: @Sendable (String) -> Void) async throws -> FederationRecord {
        try folder.make()
        try KeyPair.finishExchange(in: folder)
        let isMember = try isMember()
        let suffix = isMember ? KeyPair.Stage.enrolment.rawValue : ""
        let key = try KeyPair.loadOrMake(folder.tlsKey + suffix)
        let signingKey = try KeyPair.loadOrMake(folder.signingKey + suffix)
        let request = try CertificateRequest.make(key: key)
        let words = Fingerprint.words(of: request.spki)
        let client = HTTPClient(
            ClientSettings(address: code.address, trust: .pinnedRoot(spki: code.rootKey), proxy: proxy))
        let body = try self.body(request, signingKey)
        try EgressGate(signingKey: signingKey, log: EgressLog(folder.egressLog))
            .pass(question(request, signingKey, exporter: [UInt8](repeating: 0, count: 32)), as: .enrolment)
        var waits = Backoff()
        var said = ""
        func say(_ line: String) {
            guard line != said else { return }
            said = line
            report(line)
        }
        say("This site's key: \(words)")
        while true {
            try Task.checkCancellation()
            do {
                let answer = try await client.send(
                    "POST", "/v1/enrolment", body: body, headers: ["Content-Type": "application/json"],
                    limit: Self.limit)
                waits.reset()
                let decision: EnrolmentAnswer = try answer.decoded()
                guard decision.fingerprint == words else {
                    throw AgentError(
                        .untrusted, "the coordinator sees another key (\(decision.fingerprint)); do not approve it")
                }
                switch decision.state {
                case .approved: return try store(decision, key: key, isMember: isMember)
                case .refused:
                    throw AgentError(.identity, decision.reason ?? "the operator refused this site; ask for a new code")
                case .pending:
                    say("Waiting until the coordinator's operator approves \(code.site); they must see the same words.")
                }
                try await Task.sleep(for: pause)
            } catch let error as TransportError {
                try await waits.wait(after: error) { error, _ in say("\(error.description); trying again") }
            }
        }
    }

    /// Whether the folder is that of the code's site in the code's federation.
    /// - Throws: when it is another's.
    private func isMember() throws -> Bool {
        guard let record = try JSONFile.read(FederationRecord.self, from: folder.federation) else { return false }
        let root = FileManager.default.contents(atPath: folder.root).map { String(decoding: $0, as: UTF8.self) }
        guard record.site == code.site, let root, try Certificate(pem: root).spki == code.rootKey else {
            throw AgentError(
                .identity,
                "\(folder.path) is already \(record.site) in the federation \(record.federation), and the code is for "
                    + "another; give another --state")
        }
        return true
    }

    private func question(
        _ request: CertificateRequest, _ signingKey: SigningKey, exporter: [UInt8]
    ) -> EnrolmentRequest {
        let confirmation = EnrolmentCode.confirmation(
            key: code.confirmationKey, request: request.spki, signingKey: signingKey.publicKey, exporter: exporter)
        return EnrolmentRequest(
            site: code.site, request: request.pem, signingKey: signingKey.publicKey.hex, confirmation: confirmation)
    }

    private func body(_ request: CertificateRequest, _ signingKey: SigningKey) throws -> RequestBody {
        let make = { @Sendable (exporter: [UInt8]) -> [UInt8] in
            Array(((try? MessageCoding.encode(question(request, signingKey, exporter: exporter))) ?? "").utf8)
        }
        return .bound(count: make([UInt8](repeating: 0, count: 32)).count, make)
    }

    private func store(_ answer: EnrolmentAnswer, key: SigningKey, isMember: Bool) throws -> FederationRecord {
        guard let chain = answer.chain, let rootPEM = answer.root, let federation = answer.federation,
            let address = answer.address, let coordinatorKey = answer.coordinatorKey
        else {
            throw AgentError(.untrusted, "the coordinator's answer is not complete; compare the versions of both sides")
        }
        let root = try Certificate(pem: rootPEM)
        guard root.spki == code.rootKey else {
            throw AgentError(.untrusted, "the root certificate is not the code's; tell the coordinator's operator")
        }
        try KeyPair.check(chain: chain, key: key, root: root)
        _ = try VerifyingKey(hex: coordinatorKey)
        let record = FederationRecord(
            federation: federation, site: code.site, address: address, coordinatorKey: coordinatorKey)
        if isMember {
            // What was signed with the key from before is made anew.
            for task in TaskRecord.all(in: folder) where try task.outcome == nil { try task.restart() }
            try KeyPair.exchange(chain: chain, in: folder, stage: .enrolment)
            try JSONFile.write(record, to: folder.federation)
            return record
        }
        try DurableFile.write(Array(rootPEM.utf8), to: folder.root)
        try DurableFile.write(Array(chain.utf8), to: folder.tlsChain)
        try FirstConfiguration.write(to: folder.configuration)
        // The last of all: with it the site is enrolled.
        try JSONFile.write(record, to: folder.federation)
        return record
    }
}
