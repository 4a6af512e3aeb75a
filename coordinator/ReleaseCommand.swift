import ArgumentParser
import CoordinatorService
import Federation

/// Models that sites may have.
struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Pin committed rounds under a name, and let sites have them.",
        subcommands: [Create.self, List.self, Promote.self, Hold.self, Export.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Pin a committed round under a name, with a signed card.",
            discussion: "Sites see it once it is promoted.")

        @OptionGroup var options: StateOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "1 to 63 of a-z, 0-9 and -.") var name: String
        @Option var study: String
        @Option(help: "By default the newest committed round.") var round: Int?

        func run() async throws {
            let card = try await options.carryOut(CreateRelease(release: name, study: study, round: round))
            let body = try ReleaseCard.read(card)
            try output.show(body) { body.lines }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the releases.")

        @OptionGroup var options: StateOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let cards = try await options.carryOut(ListReleases(), alone: true).map(ReleaseCard.read)
            try output.show(cards) {
                var table = TextTable("release", "state", "study", "round", "model", "created")
                for card in cards {
                    table.add(
                        card.name, card.standing.rawValue, card.round.study, "\(card.round.round)",
                        "\(card.model.digest.prefix(12))", card.created.description)
                }
                return cards.isEmpty ? ["No release yet"] : table.lines
            }
        }
    }

    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let sites have a release.")
        @OptionGroup var options: StateOptions
        @Argument var name: String

        func run() async throws {
            _ = try await options.carryOut(JudgeRelease(release: name, standing: .promoted))
            print("\(name) is promoted; sites fetch it when they next ask")
        }
    }

    struct Hold: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Keep a release from sites that do not have it yet.")
        @OptionGroup var options: StateOptions
        @Argument var name: String

        func run() async throws {
            _ = try await options.carryOut(JudgeRelease(release: name, standing: .held))
            print("\(name) is held")
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy a release's model and card into a folder.")
        @OptionGroup var options: StateOptions
        @Argument var name: String
        @Argument(help: "A new or an empty folder.") var folder: String

        func run() async throws {
            let answer = try await options.carryOut(
                ExportModel(subject: .release(name), folder: absolute(folder)), alone: true)
            for file in answer.files { print(file) }
        }
    }
}

extension ReleaseCard {
    /// The card of an answer of our own coordinator.
    static func read(_ card: Signed<ReleaseCard>) throws -> ReleaseCard {
        try MessageCoding.decode(ReleaseCard.self, from: card.text)
    }

    /// What people read of it.
    var lines: [String] {
        var lines = [
            "\(name), \(standing.rawValue): round \(round.round) of \(round.study), \(Figures.bytes(model.bytes))",
            "model    \(model.digest)", "plan     \(plan)", "task     \(task): \(classes.joined(separator: ", "))",
            "recipe   \(recipe)", "lineage  \(lineage)",
            "sites    "
                + sites.map { "\($0.name) (\($0.samples) cases, \($0.rounds) rounds)" }.joined(separator: ", "),
        ]
        for figure in figures {
            lines.append(
                "\(figure.name): \(Figures.estimate(figure.value, figure.interval))"
                    + (figure.note.map { " (\($0))" } ?? ""))
        }
        if let point { lines.append(point.sentence(classes)) }
        return lines + limits + [notice]
    }
}
