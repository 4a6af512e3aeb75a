import Foundation
package import Hummingbird
package import NIOCore

extension Request {
    /// The body, piece by piece as it arrives; what is not taken is not read.
    /// - Parameter limit: Bytes; a body declared longer is refused before it is read, one that is longer is cut at the
    ///   first byte too many.
    /// - Returns: The body's bytes.
    /// - Throws: `Refusal` 413 when it is too long, 400 when it breaks off; and whatever `body` throws.
    @discardableResult
    package func eachChunk(limit: Int, _ body: (ByteBuffer) async throws -> Void) async throws -> Int {
        let declared = headers[.contentLength].flatMap { Int($0) }
        if let declared, declared > limit { throw Refusal.tooLarge(limit) }
        LiveConnection.current?.inviteBody()
        var total = 0
        var pieces = self.body.makeAsyncIterator()
        while true {
            let piece: ByteBuffer?
            do {
                piece = try await pieces.next()
            } catch let error as CancellationError {
                throw error
            } catch {
                throw Refusal.cutBody
            }
            guard let piece else { break }
            total += piece.readableBytes
            guard total <= limit else { throw Refusal.tooLarge(limit) }
            try await body(piece)
        }
        // A line that is cut ends the sequence too.
        if let declared, total < declared { throw Refusal.cutBody }
        return total
    }

    /// The body as JSON.
    /// - Parameter limit: Bytes.
    /// - Throws: `Refusal` 413 when it is too long, 400 when it is not JSON of this kind or nested deeper than 32.
    package func json<Value: Decodable>(
        _ type: Value.Type = Value.self, limit: Int
    ) async throws(Refusal) -> Value {
        var bytes: [UInt8] = []
        do {
            try await eachChunk(limit: limit) { bytes.append(contentsOf: $0.readableBytesView) }
        } catch {
            throw error as? Refusal ?? Refusal.cutBody
        }
        guard JSONDepth.isWithin(32, bytes) else {
            throw Refusal(400, "malformed", "the body's JSON is nested deeper than 32")
        }
        do {
            return try Foundation.JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw Refusal(400, "malformed", "the body is not what is expected here: \(Self.sentence(error))")
        } catch {
            throw Refusal(400, "malformed", "the body is not JSON")
        }
    }

    private static func sentence(_ error: DecodingError) -> String {
        func at(_ path: [any CodingKey]) -> String {
            path.isEmpty ? "" : " at \(path.map(\.stringValue).joined(separator: "."))"
        }
        switch error {
        case .keyNotFound(let key, let context): return "\"\(key.stringValue)\" is missing\(at(context.codingPath))"
        case .valueNotFound(_, let context): return "a value is missing\(at(context.codingPath))"
        case .typeMismatch(_, let context): return "a value has the wrong type\(at(context.codingPath))"
        case .dataCorrupted(let context): return "a value is malformed\(at(context.codingPath))"
        @unknown default: return "a value is malformed"
        }
    }
}

/// How deep JSON is nested, found before a parser recurses into it.
enum JSONDepth {
    static func isWithin(_ limit: Int, _ bytes: [UInt8]) -> Bool {
        var depth = 0
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                if depth > limit { return false }
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
        }
        return true
    }
}
