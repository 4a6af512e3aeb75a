package import Federation
import Files
import Foundation
import Glibc
import Synchronization

/// What left this site, and what was kept from leaving: `log/egress.jsonl`, a line each, only ever appended to.
package final class EgressLog: Sendable {
    /// One line.
    package struct Line: Codable, Sendable, Equatable {
        package enum Event: String, Codable, Sendable {
            /// Written before the first byte leaves.
            case sending
            /// It did not pass the schema, and did not leave.
            case stopped
        }

        package var time: Timestamp
        package var event: Event
        /// Such as `update`, `evaluation`, `consent`, `refusal`.
        package var kind: String
        package var study: String?
        package var round: RoundReference?
        /// SHA-256 of the update, or of the message's text.
        package var digest: String
        package var bytes: Int
        /// Every field of the message, as JSON.
        package var fields: [String: String]
        /// L2 norm of each tensor of an update.
        package var norms: [String: Double]?
        /// Why it was stopped.
        package var reason: String?

        package init(
            time: Timestamp, event: Event, kind: String, study: String? = nil, round: RoundReference? = nil,
            digest: String, bytes: Int, fields: [String: String] = [:], norms: [String: Double]? = nil,
            reason: String? = nil
        ) {
            self.time = time
            self.event = event
            self.kind = kind
            self.study = study
            self.round = round
            self.digest = digest
            self.bytes = bytes
            self.fields = fields
            self.norms = norms
            self.reason = reason
        }
    }

    private let path: String
    /// Held while a line is written, so that lines never mix.
    private let writing = Mutex<Void>(())

    package init(_ path: String) { self.path = path }

    /// Appends a line.
    /// - Parameter isDurable: whether to wait until the disk has it, and all lines before it: nothing of the site's work
    ///   leaves that is not written down.
    package func append(_ line: Line, isDurable: Bool = true) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = Array(try encoder.encode(line)) + [10]
        try writing.withLock { _ in
            let descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { throw Self.failure(path) }
            defer { close(descriptor) }
            let size = lseek(descriptor, 0, SEEK_END)
            // A line that a crash or a full disk cut off must not spoil the next.
            var last: UInt8 = 10
            guard size >= 0, size == 0 || pread(descriptor, &last, 1, size - 1) == 1 else { throw Self.failure(path) }
            let line = last == 10 ? bytes : [10] + bytes
            guard write(descriptor, line, line.count) == line.count, !isDurable || fsync(descriptor) == 0 else {
                throw Self.failure(path)
            }
            if size == 0 { DurableFile.synchronise(folder: (path as NSString).deletingLastPathComponent) }
        }
    }

    private static func failure(_ path: String) -> AgentError {
        AgentError(
            .state,
            "\(path) cannot be written (\(String(cString: strerror(errno)))), so nothing is sent; free space there")
    }

    /// The last lines, oldest first; one that was cut off by a crash is passed over.
    package static func last(_ count: Int, of path: String) throws -> [Line] {
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        let decoder = JSONDecoder()
        return data.split(separator: 10).suffix(count).compactMap { try? decoder.decode(Line.self, from: $0) }
    }

    /// The fields of a message's JSON by name, each as JSON.
    package static func fields(of text: String) -> [String: String] {
        guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
            return [:]
        }
        return object.mapValues { value in
            if let text = value as? String { return text }
            let json = try? JSONSerialization.data(
                withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes])
            return String(decoding: json ?? Data(), as: UTF8.self)
        }
    }
}
