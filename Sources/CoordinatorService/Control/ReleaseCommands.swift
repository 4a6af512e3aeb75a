package import Federation

/// Pins a committed round under a name, with a signed card.
package struct CreateRelease: OperatorCommand {
    package static let name = "release-create"
    package var release: String
    package var study: String
    /// By default the newest committed round.
    package var round: Int?

    package init(release: String, study: String, round: Int?) {
        self.release = release
        self.study = study
        self.round = round
    }

    package typealias Answer = Signed<ReleaseCard>
}

/// All releases, oldest first.
package struct ListReleases: OperatorCommand {
    package static let name = "release-list"
    package init() {}
    package typealias Answer = [Signed<ReleaseCard>]
}

/// Lets sites have a release, or takes that back.
package struct JudgeRelease: OperatorCommand {
    package static let name = "release-judge"
    package var release: String
    package var standing: ReleaseCard.Standing

    package init(release: String, standing: ReleaseCard.Standing) {
        self.release = release
        self.standing = standing
    }

    package typealias Answer = Signed<ReleaseCard>
}

/// Copies a release's model and card, or a study's newest model and its record, into a folder.
package struct ExportModel: OperatorCommand {
    package static let name = "export"
    package enum Subject: Codable, Sendable, Equatable {
        case release(String)
        case study(String)
    }

    package var subject: Subject
    /// An absolute path of a new or an empty folder.
    package var folder: String

    package init(subject: Subject, folder: String) {
        self.subject = subject
        self.folder = folder
    }

    package struct Answer: Codable, Sendable, Equatable {
        package var files: [String]
        package var model: String
    }
}
