import CoordinatorService
import Federation
import Foundation
import Identity
import Logging
import Transport
import Weights

/// A coordinator with its listener over mutual TLS, and sites enrolled with it, in a folder that is removed at the end.
final class TestFederation: Sendable {
    static let name = "test"

    let folder: StateFolder
    let scratch: String
    let root: RootAuthority
    let authority: Authority
    let signingKey = SigningKey()
    let registry = ConnectionRegistry()
    let tensors: [SafetensorsWriter.Entry]

    /// - Parameter tensors: of the model its studies begin with.
    init(at path: String? = nil, tensors: [SafetensorsWriter.Entry] = TestModel.tensors) throws {
        self.tensors = tensors
        scratch = path ?? FileManager.default.temporaryDirectory.appending(path: "consilium-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        folder = StateFolder(scratch + "/state")
        root = try Authority.makeRoot(name: "test")
        authority = try root.makeIssuing()
    }

    deinit { try? FileManager.default.removeItem(atPath: scratch) }

    /// Opens the coordinator: the first time with a federation in it, later as it was left.
    func open(_ folder: StateFolder? = nil, reserve: Int = 0) async throws -> Coordinator {
        let (registry, tensors) = (registry, tensors)
        let means = CoordinatorMeans(
            evaluate: { _, _ in throw TestError("there is no evaluation set here") },
            makeModel: { _, path in try TestModel.base(path, tensors) }, cut: { registry.cut(publicKey: $0) })
        let coordinator = try await Coordinator(
            folder: folder ?? self.folder, signingKey: signingKey, means: means,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, reserve: reserve)
        if coordinator.state.name == nil {
            try await coordinator.perform(
                .createFederation(
                    name: Self.name, coordinatorKey: signingKey.publicKey.hex, rootKey: root.certificate.spki))
        }
        return coordinator
    }

    /// Enrols a site.
    func site(_ name: String, with coordinator: Coordinator) async throws -> TestSite {
        let site = try TestSite(name, of: self)
        try await coordinator.perform(.issueCode(site: name, expires: Timestamp(Date().addingTimeInterval(3600))))
        try await coordinator.perform(
            .requestEnrolment(site: name, publicKey: site.key.spki, signingKey: site.signingKey.publicKey.hex))
        try await coordinator.perform(.approveSite(site: name, publicKey: site.key.spki))
        return site
    }

    /// Runs the coordinator and its listener while `body` runs.
    func serving<T: Sendable>(
        _ coordinator: Coordinator, _ body: @escaping @Sendable (_ port: Int) async throws -> T
    ) async throws -> T {
        let key = SigningKey()
        let chain = try authority.issue(
            CertificateRequest.make(key: key), uri: SubjectName.coordinator(of: Self.name),
            usage: .server(hosts: ["127.0.0.1"]))
        let tls = ServerTLS(
            identity: try TLSIdentity(chainPEM: chain, key: key), clients: .certified(root: root.certificate))
        let api = AgentsAPI(coordinator) { (_, _) throws(Problem) in
            throw Problem(.unsupported, "There is no renewal here.")
        }
        let (bound, continuation) = AsyncStream<Int>.makeStream()
        let listener = Listener(
            address: .tcp(port: 0), tls: tls, router: api.router(), registry: registry,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { continuation.yield($0) }
        return try await withThrowingTaskGroup(of: T?.self) { group in
            group.addTask {
                defer { continuation.finish() }
                try await listener.run()
                return nil
            }
            group.addTask {
                await coordinator.run()
                return nil
            }
            group.addTask {
                for await port in bound { return try await body(port) }
                return nil
            }
            defer {
                group.cancelAll()
            }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw TestError("the listener ended")
        }
    }

    /// A plan of a study that all sites of the federation may join.
    static func plan(
        _ study: String = "glioma", rounds: Int = 1, minimum: Int = 2, evaluation: String = "off", more: String = ""
    ) -> String {
        """
        name: \(study)
        task: grade
        classes: [low, high]
        initial: { preset: small, seed: 7 }
        rounds: \(rounds)
        minimum_sites: \(minimum)
        evaluation: \(evaluation)
        keep_updates: 0
        training: { steps: 4 }
        \(more)
        governance: { purpose: a test, data_declared: synthetic }
        """
    }
}

struct TestError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Waits, for at most half a minute, until something is so.
func eventually(
    _ what: String, within seconds: Double = 30, _ isSo: @Sendable () async throws -> Bool
) async throws {
    let end = ContinuousClock.now.advanced(by: .seconds(seconds))
    while try await !isSo() {
        guard ContinuousClock.now < end else { throw TestError("it never came to be that \(what)") }
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// A tiny model and updates of it.
enum TestModel {
    static let tensors: [SafetensorsWriter.Entry] = [
        .init("blocks.0.weight", .float32, [64, 129]), .init("FC.weight", .float32, [2, 64]),
        .init("FC.bias", .float32, [2]),
    ]

    /// Of four megabytes: it takes a while on a slow line.
    static let large: [SafetensorsWriter.Entry] = [.init("FC.weight", .float32, [1024, 1024])]

    static func base(_ path: String, _ tensors: [SafetensorsWriter.Entry]) throws -> ObjectReference {
        try write(path, tensors) { count, index in numbers(count, seed: 11 + index, scale: 1) }
    }

    /// Writes a delta.
    /// - Parameter entries: other tensors than are right.
    static func delta(
        _ path: String, seed: Int, scale: Float = 0.01, entries: [SafetensorsWriter.Entry] = tensors
    ) throws -> ObjectReference {
        try write(path, entries) { count, index in numbers(count, seed: seed * 31 + index, scale: scale) }
    }

    private static func write(
        _ path: String, _ entries: [SafetensorsWriter.Entry], _ values: (Int, Int) -> [Float]
    ) throws -> ObjectReference {
        var writer = try SafetensorsWriter(path, entries: entries)
        for (index, entry) in entries.enumerated() { try writer.append(values(entry.shape.reduce(1, *), index)) }
        let digest = try writer.finish()
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return ObjectReference(digest: digest, bytes: attributes[.size] as? Int ?? 0)
    }

    static func numbers(_ count: Int, seed: Int, scale: Float) -> [Float] {
        var state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 | 1
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (Float(state >> 40) * 0x1p-23 - 1) * scale
        }
    }
}
