import Foundation
import Identity
import Testing

@Suite("The federation's authority")
struct AuthorityTests {
    static let uri = SubjectName.site("hospital-a", of: "demo")

    struct Chain {
        let folder: Folder
        let root: RootAuthority
        let authority: Authority
        let key = SigningKey()

        init() throws {
            folder = try Folder()
            root = try Authority.makeRoot(name: "demo")
            authority = try root.makeIssuing()
            try folder.write("root.pem", Array(root.certificate.pem.utf8))
            try folder.write("issuing.pem", Array(authority.certificate.pem.utf8))
        }

        func issue(
            _ uri: String = uri, usage: Authority.Usage = .site, lifetime: Int = Authority.leafLifetime,
            now: Date = Date()
        ) throws -> String {
            let chain = try authority.issue(
                CertificateRequest.make(key: key), uri: uri, usage: usage, lifetime: lifetime, now: now)
            try folder.write("leaf.pem", Array(chain.utf8))
            return chain
        }

        func verify(purpose: String, _ more: [String] = []) throws -> String {
            try OpenSSLCommand.run(
                ["verify", "-x509_strict", "-purpose", purpose, "-no-CApath", "-no-CAstore", "-CAfile"]
                    + [folder.path("root.pem"), "-untrusted", folder.path("issuing.pem")] + more
                    + [folder.path("leaf.pem")])
        }
    }

    @Test("openssl verify -x509_strict accepts a site's chain as a client's and as nothing else")
    func site() throws {
        let chain = try Chain()
        let leaf = try Certificate(pem: chain.issue())
        #expect(try chain.verify(purpose: "sslclient").hasSuffix("OK\n"))
        #expect(throws: OpenSSLCommand.Failure.self) { try chain.verify(purpose: "sslserver") }
        #expect(leaf.uris == ["urn:consilium:demo:site:hospital-a"])
        #expect(leaf.spki == chain.key.spki)
        #expect(leaf.isIssued(by: chain.authority.certificate))
        #expect(!leaf.isIssued(by: chain.root.certificate))
        #expect(abs(leaf.notBefore.timeIntervalSinceNow + 300) < 60)
        #expect(abs(leaf.notAfter.timeIntervalSinceNow - 7 * 86_400) < 60)
        #expect(SubjectName.siteName(in: leaf.uris[0], of: "demo") == "hospital-a")
        #expect(SubjectName.siteName(in: leaf.uris[0], of: "other") == nil)
    }

    @Test("a server's chain fits its names and addresses only")
    func server() throws {
        let chain = try Chain()
        let pem = try chain.issue(
            SubjectName.coordinator(of: "demo"), usage: .server(hosts: ["consilium.example", "127.0.0.1", "::1"]))
        #expect(try chain.verify(purpose: "sslserver").hasSuffix("OK\n"))
        for good in [
            ["-verify_hostname", "consilium.example"], ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"],
        ] {
            #expect(throws: Never.self) { try chain.verify(purpose: "sslserver", good) }
        }
        for wrong in [["-verify_hostname", "other.example"], ["-verify_ip", "127.0.0.2"]] {
            #expect(throws: OpenSSLCommand.Failure.self) { try chain.verify(purpose: "sslserver", wrong) }
        }
        #expect(throws: OpenSSLCommand.Failure.self) { try chain.verify(purpose: "sslclient") }
        // The root is in it for the client that knows only its digest.
        #expect(try Certificate.chain(pem: pem).map(\.spki).last == chain.root.certificate.spki)
    }

    @Test("a chain is refused before its time and after it")
    func time() throws {
        let chain = try Chain()
        _ = try chain.issue(lifetime: 60, now: Date(timeIntervalSinceNow: -3600))
        #expect(throws: OpenSSLCommand.Failure.self) { try chain.verify(purpose: "sslclient") }
        _ = try chain.issue(now: Date(timeIntervalSinceNow: 3600))
        #expect(throws: OpenSSLCommand.Failure.self) { try chain.verify(purpose: "sslclient") }
    }

    @Test("no leaf outlives its issuer")
    func clipped() throws {
        let chain = try Chain()
        let leaf = try Certificate(pem: chain.issue(lifetime: 100 * 365 * 86_400))
        #expect(leaf.notAfter == chain.authority.certificate.notAfter)
    }

    @Test("an issuing authority cannot make another, nor a site pass for one")
    func pathLength() throws {
        let chain = try Chain()
        _ = try chain.issue()
        let text = try OpenSSLCommand.run(["x509", "-noout", "-text", "-in", chain.folder.path("issuing.pem")])
        #expect(text.contains("CA:TRUE, pathlen:0"))
        let leaf = try OpenSSLCommand.run(["x509", "-noout", "-text", "-in", chain.folder.path("leaf.pem")])
        #expect(leaf.contains("CA:FALSE"))
        #expect(leaf.contains("TLS Web Client Authentication"))
        #expect(!leaf.contains("TLS Web Server Authentication"))
    }

    @Test("names that could smuggle another name into a certificate are refused")
    func names() throws {
        let chain = try Chain()
        for uri in [
            "urn:consilium:demo:site:a,DNS:evil.example", "urn:consilium:demo:site:A", "https://example.org",
            "urn:consilium:demo:site:a\nb",
        ] {
            #expect(throws: IdentityError.self) { try chain.issue(uri) }
        }
        for host in ["a.example,DNS:evil.example", "", "a b", "-a.example", "a..example", "*.example"] {
            #expect(throws: IdentityError.self) { try chain.issue(usage: .server(hosts: [host])) }
        }
    }

    @Test("root, issuing certificate and key must belong together")
    func belonging() throws {
        let chain = try Chain()
        let other = try Authority.makeRoot(name: "demo")
        let issuing = chain.authority.certificate.pem
        #expect(throws: Never.self) {
            try Authority(rootPEM: chain.root.certificate.pem, issuingPEM: issuing, key: chain.authority.key)
        }
        #expect(throws: IdentityError.self) {
            try Authority(rootPEM: other.certificate.pem, issuingPEM: issuing, key: chain.authority.key)
        }
        #expect(throws: IdentityError.self) {
            try Authority(rootPEM: chain.root.certificate.pem, issuingPEM: issuing, key: SigningKey())
        }
        #expect(throws: IdentityError.self) {
            try RootAuthority(certificatePEM: chain.root.certificate.pem, key: other.key)
        }
    }

    @Test("serial numbers are 128 random bits")
    func serials() throws {
        let chain = try Chain()
        let serials = try (0..<50).map { _ in try Certificate(pem: chain.issue()).serial }
        #expect(Set(serials).count == 50)
        #expect(serials.allSatisfy { $0.count <= 32 } && serials.contains { $0.count == 32 })
    }

    @Test("requests of P-256 and P-384 keys are taken; RSA, P-521 and explicit curves are not")
    func requests() throws {
        let folder = try Folder()
        func request(_ key: [String]) throws -> CertificateRequest {
            try OpenSSLCommand.run(["genpkey", "-out", folder.path("key.pem")] + key)
            let pem = try OpenSSLCommand.run(
                ["req", "-new", "-key", folder.path("key.pem"), "-subj", "/CN=somebody else"])
            return try CertificateRequest(pem: pem)
        }
        let authority = try Authority.makeRoot(name: "demo").makeIssuing()
        for curve in ["P-256", "P-384"] {
            let request = try request(["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(curve)"])
            let leaf = try Certificate(pem: authority.issue(request, uri: Self.uri, usage: .site))
            #expect(leaf.spki == request.spki)
            try folder.write("leaf.pem", Array(leaf.pem.utf8))
            let subject = try OpenSSLCommand.run(["x509", "-noout", "-subject", "-in", folder.path("leaf.pem")])
            #expect(!subject.contains("somebody else"))
        }
        for key in [
            ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
            ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"],
            ["-algorithm", "ED448"],
        ] {
            let error = #expect(throws: IdentityError.self) { try request(key) }
            #expect(error?.code == .unsupported)
        }
    }

    @Test("a request not signed by its key, too long or malformed is refused")
    func badRequests() throws {
        let good = try CertificateRequest.make(key: SigningKey()).pem
        let lines = good.split(separator: "\n").map(String.init)
        var body = try #require(Data(base64Encoded: lines.dropFirst().dropLast().joined()))
        body[body.count - 1] ^= 1
        let forged = ([lines[0], body.base64EncodedString(), lines[lines.count - 1]]).joined(separator: "\n") + "\n"
        #expect(#expect(throws: IdentityError.self) { try CertificateRequest(pem: forged) }?.code == .wrongSignature)
        #expect(throws: IdentityError.self) { try CertificateRequest(pem: String(repeating: "a", count: 5000)) }
        #expect(throws: IdentityError.self) { try CertificateRequest(pem: good + String(repeating: "\n", count: 4096)) }
        for count in stride(from: 0, to: good.utf8.count - 2, by: 7) {
            #expect(throws: IdentityError.self) {
                try CertificateRequest(pem: String(decoding: good.utf8.prefix(count), as: UTF8.self))
            }
        }
    }
}
