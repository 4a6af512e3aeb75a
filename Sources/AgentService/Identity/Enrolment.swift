import Federation
import Files
import Foundation
package import Identity
package import Transport

/// Makes a site a member: keys are made here, the coordinator's root is known by the code, and both sides compare
/// eight words before the operator lets it in. Killed at any point, the same command goes on.
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
        if let record = try JSONFile.read(FederationRecord.self, from: folder.federation) {
            throw AgentError(
                .identity,
                "\(folder.path) is already \(record.site) in the federation \(record.federation); give another --state")
        }
        try folder.make()
        let key = try KeyPair.loadOrMake(folder.tlsKey)
        let signingKey = try KeyPair.loadOrMake(folder.signingKey)
        let request = try CertificateRequest.make(key: key)
        let words = Fingerprint.words(of: request.spki)
        let client = HTTPClient(
            ClientSettings(address: code.address, trust: .pinnedRoot(spki: code.rootKey), proxy: proxy))
        let body = try self.body(request, signingKey)
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
                case .approved: return try store(decision, key: key)
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

    private func body(_ request: CertificateRequest, _ signingKey: SigningKey) throws -> RequestBody {
        let code = code
        let make = { @Sendable (exporter: [UInt8]) -> [UInt8] in
            let confirmation = EnrolmentCode.confirmation(
                key: code.confirmationKey, request: request.spki, signingKey: signingKey.publicKey, exporter: exporter)
            let question = EnrolmentRequest(
                site: code.site, request: request.pem, signingKey: signingKey.publicKey.hex, confirmation: confirmation)
            return Array(((try? MessageCoding.encode(question)) ?? "").utf8)
        }
        return .bound(count: make([UInt8](repeating: 0, count: 32)).count, make)
    }

    private func store(_ answer: EnrolmentAnswer, key: SigningKey) throws -> FederationRecord {
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
        try DurableFile.write(Array(rootPEM.utf8), to: folder.root)
        try DurableFile.write(Array(chain.utf8), to: folder.tlsChain)
        try FirstConfiguration.write(to: folder.configuration)
        // The last of all: with it the site is enrolled.
        try JSONFile.write(record, to: folder.federation)
        return record
    }
}
