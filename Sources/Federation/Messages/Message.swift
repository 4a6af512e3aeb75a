import Foundation

/// A message that is signed: what it is called in its signature, so that one kind never passes for another.
package protocol Message: Codable, Sendable, Equatable {
    /// Such as `consilium/1 assignment`.
    static var domain: String { get }
}

/// How messages are written: JSON with sorted keys, without escaped slashes.
package enum MessageCoding {
    package static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    package static func decode<T: Decodable>(_ type: T.Type, from text: String) throws -> T {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }
}

/// A message as it was signed: the text itself, so that no two programs need to write JSON alike.
///
/// The signature is Ed25519 (RFC 8032) over the domain's UTF-8 bytes, a zero byte, and the text's UTF-8 bytes.
package struct Signed<Body: Message>: Codable, Sendable, Equatable {
    /// The message as JSON.
    package var text: String
    /// 128 lower-case hexadecimal digits.
    package var signature: String
    /// The signer's public key, 64 lower-case hexadecimal digits; who it belongs to is looked up, never believed.
    package var signer: String

    package init(text: String, signature: String, signer: String) {
        self.text = text
        self.signature = signature
        self.signer = signer
    }
}
