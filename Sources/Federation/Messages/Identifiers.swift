/// Names and numbers by which messages refer to things.
package enum Name {
    /// Whether a text names a site, study, release or operator: `[a-z0-9-]`, 1 to 63 of them.
    package static func isValid(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count)
            && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    }

    /// Whether a text is a SHA-256 digest: 64 lower-case hexadecimal digits.
    package static func isDigest(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (97...102).contains($0) || (48...57).contains($0) }
    }
}

/// Bytes known by their digest.
package struct ObjectReference: Codable, Sendable, Hashable {
    /// SHA-256.
    package var digest: String
    package var bytes: Int

    package init(digest: String, bytes: Int) {
        self.digest = digest
        self.bytes = bytes
    }
}

/// One try of one round of one study. The attempt counts from 1 and rises when a round is opened anew.
package struct RoundReference: Codable, Sendable, Hashable {
    package var study: String
    package var round: Int
    package var attempt: Int

    package init(study: String, round: Int, attempt: Int) {
        self.study = study
        self.round = round
        self.attempt = attempt
    }
}

/// The end of the coordinator's transcript, as somebody saw it.
package struct TranscriptHead: Codable, Sendable, Hashable {
    /// Rows; the last has this number.
    package var sequence: Int
    /// The last row's hash.
    package var hash: String

    package init(sequence: Int, hash: String) {
        self.sequence = sequence
        self.hash = hash
    }
}
