package import Federation

/// What `agent status` shows.
package struct SiteStatus: Codable, Sendable, Equatable {
    /// The L2 norm of one parameter's delta, by the parameter's name.
    package struct LayerNorm: Codable, Sendable, Equatable {
        package var name: String
        package var count: Int
        package var norm: Double

        package init(name: String, count: Int, norm: Double) {
            self.name = name
            self.count = count
            self.norm = norm
        }
    }

    /// Something that waits for the admin's word.
    package struct Waiting: Codable, Sendable, Equatable {
        package enum Kind: String, Codable, Sendable { case consent, update, evaluation, release, history }

        /// To be given to `agent approve` and `agent refuse`.
        package var id: String
        package var kind: Kind
        /// One sentence.
        package var what: String
        /// Bytes that would leave; 0 where nothing does.
        package var bytes: Int
        /// Every field that would leave, as text.
        package var fields: [String: String]
        /// Only of an update.
        package var norms: [LayerNorm]

        package init(
            id: String, kind: Kind, what: String, bytes: Int = 0, fields: [String: String] = [:],
            norms: [LayerNorm] = []
        ) {
            self.id = id
            self.kind = kind
            self.what = what
            self.bytes = bytes
            self.fields = fields
            self.norms = norms
        }
    }

    /// A piece of work and how far it is.
    package struct Work: Codable, Sendable, Equatable {
        package var id: String
        /// One word or sentence: `waits for the worker`, `sent`, `refused: …`.
        package var state: String

        package init(id: String, state: String) {
            self.id = id
            self.state = state
        }
    }

    /// A study the site is invited to.
    package struct Study: Codable, Sendable, Equatable {
        package var name: String
        package var standing: String
        package var state: String
        package var round: Int

        package init(name: String, standing: String, state: String, round: Int) {
            self.name = name
            self.standing = standing
            self.state = state
            self.round = round
        }
    }

    package var site: String
    package var federation: String
    package var coordinator: String
    /// Whether `agent run` is up.
    package var running: Bool
    /// How the connection is, in plain words.
    package var connection: String
    /// When the certificate ends.
    package var certificateUntil: Timestamp?
    package var warnings: [String]
    package var waiting: [Waiting]
    package var studies: [Study]
    package var work: [Work]
    /// Releases kept here.
    package var releases: [String]
}
