import Cryptography

/// Bytes as text that people can copy: RFC 4648 base 32 in lower case without padding, and four characters more that
/// check it (20 bits: one typing error in a million passes).
package enum Base32 {
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
    private static let checkCharacters = 4

    /// - Parameter context: Text that the check covers too.
    package static func encode(_ bytes: [UInt8], context: String = "") -> String {
        String(decoding: characters(bytes) + check(bytes, context), as: UTF8.self)
    }

    /// Upper case is taken as lower case.
    /// - Throws: `IdentityError` when a character is not of the alphabet or the check fails.
    package static func decode(_ text: String, context: String = "") throws -> [UInt8] {
        var accumulator: UInt32 = 0
        var bits = 0
        var bytes: [UInt8] = []
        let text = Array(text.lowercased().utf8)
        for character in text.dropLast(checkCharacters) {
            guard let value = value(character) else {
                throw IdentityError(
                    .malformed, "\"\(Character(Unicode.Scalar(character)))\" does not belong in a code (a to z, 2 to 7)"
                )
            }
            accumulator = (accumulator << 5 | UInt32(value)) & 0xfff
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: accumulator >> bits))
            }
        }
        // Comparing whole texts also refuses other spellings of the same bytes.
        guard text == characters(bytes) + check(bytes, context) else {
            throw IdentityError(.wrongSignature, "the check characters at the end do not fit")
        }
        return bytes
    }

    private static func characters(_ bytes: [UInt8]) -> [UInt8] {
        var accumulator: UInt32 = 0
        var bits = 0
        var text: [UInt8] = []
        for byte in bytes {
            accumulator = (accumulator << 8 | UInt32(byte)) & 0xfff
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(alphabet[Int(accumulator >> bits) & 31])
            }
        }
        if bits > 0 { text.append(alphabet[Int(accumulator << (5 - bits)) & 31]) }
        return text
    }

    private static func check(_ bytes: [UInt8], _ context: String) -> [UInt8] {
        var hash = SHA256()
        hash.update(context)
        hash.update([0])
        hash.update(bytes)
        let digest = Hexadecimal.decode(hash.finish()) ?? []
        return Array(characters(Array(digest.prefix(3))).prefix(checkCharacters))
    }

    private static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case 97...122: character - 97
        case 50...55: character - 24
        default: nil
        }
    }
}
