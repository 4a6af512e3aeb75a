package import Federation

/// Lets a site enrol: makes its one-time code.
package struct AddSite: OperatorCommand {
    package static let name = "site-add"
    package var site: String
    /// Approve without asking as soon as a key comes with the right code; for scripted demonstrations.
    package var approvesOnMatch: Bool

    package init(site: String, approvesOnMatch: Bool) {
        self.site = site
        self.approvesOnMatch = approvesOnMatch
    }

    package struct Answer: Codable, Sendable, Equatable {
        /// The line to give to the site's admin.
        package var code: String
        package var expires: Timestamp
    }
}

/// Admits the key that enrolled with a site's code.
package struct ApproveSite: OperatorCommand {
    package static let name = "site-approve"
    package var site: String
    /// The key that was looked at, so that no other is approved.
    package var publicKey: String

    package init(site: String, publicKey: String) {
        self.site = site
        self.publicKey = publicKey
    }

    package typealias Answer = SiteRow
}

/// Takes a site's right away and cuts its connections.
package struct RevokeSite: OperatorCommand {
    package static let name = "site-revoke"
    package var site: String

    package init(site: String) { self.site = site }

    package struct Answer: Codable, Sendable, Equatable {
        /// Connections that were cut.
        package var cut: Int
    }
}

/// All sites, by name.
package struct ListSites: OperatorCommand {
    package static let name = "site-list"
    package init() {}
    package typealias Answer = [SiteRow]
}

/// A site as an operator sees it.
package struct SiteRow: Codable, Sendable, Equatable {
    package enum Standing: String, Codable, Sendable {
        /// A code is out, no key came with it yet.
        case invited
        /// A key came; it waits for approval.
        case pending
        case active
        case revoked
        /// The code ran out or was burned before a key was approved.
        case lapsed
    }

    package var name: String
    package var standing: Standing
    /// SHA-256 of the key, and its eight words.
    package var publicKey: String?
    package var fingerprint: String?
    /// When the outstanding code ends.
    package var codeExpires: Timestamp?
    package var wrongTries: Int?
    /// Connections that are open.
    package var connections: Int
    /// When it last asked for anything.
    package var seen: Timestamp?
    package var software: String?
}
