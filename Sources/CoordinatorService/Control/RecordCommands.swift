package import Federation

/// How the coordinator itself stands.
package struct ServiceStatus: OperatorCommand {
    package static let name = "status"
    package init() {}

    package struct Answer: Codable, Sendable, Equatable {
        package var federation: String
        package var name: String
        package var software: String
        package var process: Int32
        package var address: String
        /// Where sites enrol, while a code is outstanding.
        package var enrolment: String?
        package var head: TranscriptHead
        package var sites: Int
        package var studies: Int
        package var connections: Int
        /// When the server's certificate ends.
        package var certificateExpires: Timestamp
    }
}

/// Checks every row of the transcript against the one before it, and the state against the rows.
package struct VerifyTranscript: OperatorCommand {
    package static let name = "verify"
    package init() {}

    package struct Answer: Codable, Sendable, Equatable {
        package var head: TranscriptHead
        package var objects: Int
        /// Objects that the record needs and that are missing or not what they were.
        package var damaged: [String]
    }
}

/// Folds a committed round anew from the updates that are kept.
package struct ReplayRound: OperatorCommand {
    package static let name = "replay"
    package var study: String
    package var round: Int

    package init(study: String, round: Int) {
        self.study = study
        self.round = round
    }

    package struct Answer: Codable, Sendable, Equatable {
        package var recorded: String
        package var folded: String
        package var updates: Int
        package var agrees: Bool { recorded == folded }
    }
}

/// Copies the coordinator's state into a new folder, while it serves.
package struct BackUp: OperatorCommand {
    package static let name = "backup"
    /// An absolute path.
    package var folder: String

    package init(folder: String) { self.folder = folder }

    package struct Answer: Codable, Sendable, Equatable {
        package var head: TranscriptHead
        package var objects: Int
        package var bytes: Int
    }
}
