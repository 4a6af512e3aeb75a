import AgentService
import ArgumentParser
import Federation

/// `agent releases`: released models that lie here.
struct ReleasesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "releases",
        abstract: "List the released models kept here, each verified against its signed card.",
        discussion: "Exit code 1 if one is not what its card says.")

    @OptionGroup var options: StatePlace

    func run() throws {
        var isDamaged = false
        for name in Releases.names(in: options.folder) {
            do {
                let kept = try Releases.verified(name, in: options.folder)
                print(
                    "\(name): \(kept.card.standing.rawValue), \(kept.card.task), round \(kept.card.round.round), \(kept.model)"
                )
                for figure in kept.card.figures {
                    let interval =
                        figure.interval.map { " (95 % \($0.map { "\($0)" }.joined(separator: " to ")))" } ?? ""
                    print("  \(figure.name): \(figure.value)\(interval)")
                }
                if let point = kept.card.point { print("  \(point.sentence(kept.card.classes))") }
                for limit in kept.card.limits { print("  \(limit)") }
                print("  \(kept.card.notice)")
            } catch {
                isDamaged = true
                print("\(name): \(error)")
            }
        }
        if isDamaged { throw ExitCode(1) }
    }
}
