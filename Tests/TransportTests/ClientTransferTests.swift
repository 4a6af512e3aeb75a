import Cryptography
import FaultProxy
import Foundation
import Synchronization
import Testing
import Transport

@Suite struct ClientTransferTests {
    private static let mebibyte = 1 << 20
    private let quick = Backoff(first: .milliseconds(20), most: .milliseconds(200))
    /// Where the line is whole, nothing should have to be tried again: what has to be, such as a full disk, is told.
    private let unexpected: @Sendable (TransportError, Duration) -> Void = { error, _ in Issue.record(error) }

    private func desk(_ folder: TestFolder, bytes: Int) throws -> (ClientDesk, source: String, digest: String) {
        let (source, digest) = try folder.file("source", bytes: bytes)
        let target = folder.path + "/uploaded"
        try Data().write(to: URL(fileURLWithPath: target))
        let upload = ClientDesk.Upload(file: target, bytes: bytes, digest: digest)
        return (ClientDesk(file: source, digest: digest, upload: upload), source, digest)
    }

    @Test("a download cut again and again arrives, and no byte comes twice but those in flight")
    func download() async throws {
        let site = try ClientSite()
        let bytes = 24 * Self.mebibyte + 17
        let (desk, _, digest) = try desk(site.folder, bytes: bytes)
        try await withClientServer(site.federation, desk: desk) { port in
            let line = try FaultProxy(
                port: port, faults: Faults(cut: .init(after: 5 * Self.mebibyte, direction: .down)))
            defer { line.stop() }
            let target = site.folder.path + "/target"
            let client = HTTPClient(site.settings(port: line.port))
            let failures = Atomic(0)
            try await Transfers.download(
                "/v1/objects/\(digest)", to: target, digest: digest, bytes: bytes, over: client, backoff: quick,
                report: { error, _ in
                    failures.add(1, ordering: .relaxed)
                    #expect(error.isTransient)
                })
            #expect(SHA256.hex(ofFile: target) == digest)
            #expect(!FileManager.default.fileExists(atPath: target + ".part"))
            #expect(failures.load(ordering: .relaxed) >= 3)
            // Cut by RST, what lay in the socket's buffers is lost; it is less than 8 MiB.
            let again = line.counts.down - bytes
            #expect(again <= line.counts.cuts * 8 * Self.mebibyte)
        }
    }

    @Test("an upload cut again and again arrives, with at most 8 MiB sent again per cut")
    func upload() async throws {
        let site = try ClientSite()
        let bytes = 24 * Self.mebibyte + 5
        let (desk, source, digest) = try desk(site.folder, bytes: bytes)
        try await withClientServer(site.federation, desk: desk) { port in
            let line = try FaultProxy(port: port, faults: Faults(cut: .init(after: 5 * Self.mebibyte, direction: .up)))
            defer { line.stop() }
            let client = HTTPClient(site.settings(port: line.port))
            let most = Atomic(0)
            let status = try await Transfers.upload(
                source, bytes: bytes, request: Array("{}".utf8), over: client, backoff: quick,
                progress: { most.max($0, ordering: .relaxed) })
            #expect(String(decoding: status, as: UTF8.self).contains("receipt"))
            #expect(SHA256.hex(ofFile: desk.upload.withLock { $0.file }) == digest)
            #expect(most.load(ordering: .relaxed) == bytes)
            #expect(line.counts.cuts >= 3)
            #expect(line.counts.up - bytes <= line.counts.cuts * 8 * Self.mebibyte)
        }
    }

    @Test("a download goes on from what an earlier run left, and starts again when that is damaged")
    func resume() async throws {
        let site = try ClientSite()
        let bytes = 6 * Self.mebibyte
        let (desk, source, digest) = try desk(site.folder, bytes: bytes)
        try await withClientServer(site.federation, desk: desk) { port in
            let client = HTTPClient(site.settings(port: port))
            let content = try Data(contentsOf: URL(fileURLWithPath: source))
            for isDamaged in [false, true] {
                let target = site.folder.path + "/target-\(isDamaged)"
                var left = content.prefix(4 * Self.mebibyte)
                if isDamaged { left[100] ^= 1 }
                try left.write(to: URL(fileURLWithPath: target + ".part"))
                let seen = Mutex<[Int]>([])
                try await Transfers.download(
                    "/v1/objects/\(digest)", to: target, digest: digest, bytes: bytes, over: client, backoff: quick,
                    progress: { count in seen.withLock { $0.append(count) } }, report: unexpected)
                #expect(SHA256.hex(ofFile: target) == digest)
                #expect(seen.withLock { $0.first } == 4 * Self.mebibyte)
                #expect(seen.withLock { $0.count { $0 <= 2 * Self.mebibyte } > 0 } == isDamaged)
            }
        }
    }

    @Test("bytes that are not what their digest says are refused the second time")
    func wrongDigest() async throws {
        let site = try ClientSite()
        let (desk, _, _) = try desk(site.folder, bytes: Self.mebibyte)
        let claimed = String(repeating: "ab", count: 32)
        try await withClientServer(site.federation, desk: desk) { port in
            let client = HTTPClient(site.settings(port: port))
            let target = site.folder.path + "/target"
            let other = await failure { () throws(TransportError) in
                try await Transfers.download(
                    "/v1/objects/x", to: target, digest: claimed, bytes: Self.mebibyte, over: client, backoff: quick)
            }
            #expect(other?.code == .violation)
            desk.tag.withLock { $0 = claimed }
            let wrong = await failure { () throws(TransportError) in
                try await Transfers.download(
                    "/v1/objects/x", to: target, digest: claimed, bytes: Self.mebibyte, over: client, backoff: quick)
            }
            #expect(wrong?.code == .wrongDigest)
            #expect(!FileManager.default.fileExists(atPath: target))
            #expect(!FileManager.default.fileExists(atPath: target + ".part"))
        }
    }

    @Test("a gap in the line, longer than patience, is survived")
    func gap() async throws {
        let site = try ClientSite()
        let bytes = 4 * Self.mebibyte
        let (desk, source, digest) = try desk(site.folder, bytes: bytes)
        try await withClientServer(site.federation, desk: desk) { port in
            let line = try FaultProxy(port: port, faults: Faults(bytesPerSecond: 4 * Self.mebibyte))
            defer { line.stop() }
            var settings = site.settings(port: line.port)
            settings.patience = .seconds(1)
            settings.connectPatience = .seconds(1)
            let client = HTTPClient(settings)
            let codes = Mutex<Set<TransportError.Code>>([])
            let sending = Task {
                try await Transfers.upload(
                    source, bytes: bytes, request: Array("{}".utf8), over: client, backoff: quick,
                    report: { error, _ in codes.withLock { _ = $0.insert(error.code) } })
            }
            #expect(await eventually { desk.upload.withLock { $0.durable > 0 } })
            line.blackHole(for: .seconds(4))
            _ = try await sending.value
            #expect(SHA256.hex(ofFile: desk.upload.withLock { $0.file }) == digest)
            #expect(codes.withLock { $0.contains(.stalled) || $0.contains(.unreachable) })
        }
    }

    @Test("a refusal for good ends an upload, and cancelling ends a waiting one")
    func ends() async throws {
        let site = try ClientSite()
        let (desk, source, _) = try desk(site.folder, bytes: 1000)
        desk.refuses.store(1, ordering: .relaxed)
        try await withClientServer(site.federation, desk: desk) { port in
            let client = HTTPClient(site.settings(port: port))
            let error = await failure { () throws(TransportError) in
                try await Transfers.upload(source, bytes: 1000, request: Array("{}".utf8), over: client, backoff: quick)
            }
            #expect(error?.problem?.code == "conflict")
        }
        let absent = HTTPClient(site.settings(port: 1))
        let waiting = Task {
            await failure { () throws(TransportError) in
                try await Transfers.upload(source, bytes: 1000, request: Array("{}".utf8), over: absent)
            }
        }
        try await Task.sleep(for: .milliseconds(100))
        waiting.cancel()
        #expect(await waiting.value?.code == .cancelled)
    }

    @Test("a limit on sending and receiving is kept, roughly, and can be changed under way")
    func limits() async throws {
        let site = try ClientSite()
        let bytes = 4 * Self.mebibyte
        let (desk, source, digest) = try desk(site.folder, bytes: bytes)
        try await withClientServer(site.federation, desk: desk) { port in
            var settings = site.settings(port: port)
            settings.sendLimit = 2 * Self.mebibyte
            settings.receiveLimit = 2 * Self.mebibyte
            let client = HTTPClient(settings)
            var start = ContinuousClock.now
            _ = try await Transfers.upload(
                source, bytes: bytes, request: Array("{}".utf8), over: client, report: unexpected)
            #expect(ContinuousClock.now - start > .seconds(1))
            start = .now
            try await Transfers.download(
                "/v1/objects/\(digest)", to: site.folder.path + "/target", digest: digest, bytes: bytes, over: client,
                report: unexpected)
            #expect(ContinuousClock.now - start > .seconds(1))
            client.limit(send: 1, receive: 64 << 10)
            let slow = Task {
                try await Transfers.download(
                    "/v1/objects/\(digest)", to: site.folder.path + "/again", digest: digest, bytes: bytes,
                    over: client,
                    report: unexpected)
            }
            try await Task.sleep(for: .milliseconds(300))
            client.limit(send: 0, receive: 0)
            start = .now
            try await slow.value
            #expect(ContinuousClock.now - start < .seconds(30))
        }
    }

    @Test("moving a gigabyte leaves memory as it was")
    func memory() async throws {
        let site = try ClientSite()
        let bytes = 1 << 30
        let source = site.folder.path + "/large"
        try Data().write(to: URL(fileURLWithPath: source))
        try FileHandle(forUpdating: URL(fileURLWithPath: source)).truncate(atOffset: UInt64(bytes))
        let digest = try #require(SHA256.hex(ofFile: source))
        let upload = ClientDesk.Upload(file: "/dev/null", bytes: bytes, digest: digest)
        let desk = ClientDesk(file: source, digest: digest, upload: upload)
        try await withClientServer(site.federation, desk: desk) { port in
            let client = HTTPClient(site.settings(port: port))
            // The listener, and other tests, live in this process too.
            let growth = try await ServerMemoryTests.peakGrowth {
                try await Transfers.download(
                    "/v1/objects/\(digest)", to: site.folder.path + "/target", digest: digest, bytes: bytes,
                    over: client, report: unexpected)
            }
            #expect(growth <= ServerMemoryTests.bound, "grew by \(growth >> 20) MiB")
        }
    }
}
