import Glibc

/// Who a certificate speaks of: its URI, and the hosts of a server's.
package enum SubjectName {
    /// `urn:consilium:<federation>:site:<name>`.
    package static func site(_ name: String, of federation: String) -> String {
        "urn:consilium:\(federation):site:\(name)"
    }

    /// `urn:consilium:<federation>:coordinator`.
    package static func coordinator(of federation: String) -> String { "urn:consilium:\(federation):coordinator" }

    /// The site a URI names.
    /// - Returns: Nil unless it is a site's URI in this federation.
    package static func siteName(in uri: String, of federation: String) -> String? {
        let start = site("", of: federation)
        guard uri.hasPrefix(start) else { return nil }
        let name = String(uri.dropFirst(start.count))
        return isName(name) ? name : nil
    }

    /// `[a-z0-9-]`, 1 to 63 of them.
    static func isName(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count)
            && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    }

    /// Whether a text is a URN as issued here; nothing in it could end it within a list of names.
    static func isURI(_ text: String) -> Bool {
        text.hasPrefix("urn:consilium:") && text.utf8.count <= 255
            && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 || $0 == 58 }
    }

    static func isAddress(_ text: String) -> Bool {
        var room = [UInt8](repeating: 0, count: 16)
        return inet_pton(AF_INET, text, &room) == 1 || inet_pton(AF_INET6, text, &room) == 1
    }

    /// A DNS name or an IP address.
    static func isHost(_ text: String) -> Bool {
        if isAddress(text) { return true }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 253
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                    && label.utf8.allSatisfy {
                        (97...122).contains($0 | 32) || (48...57).contains($0) || $0 == 45 || $0 == 95
                    }
            }
    }
}
