import ArgumentParser
import CoordinatorService

/// The process in which `serve` evaluates models, so that a crash there does not end the service. Not for people.
struct EvaluationChildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "evaluation-child", shouldDisplay: false)

    @Argument var request: String
    @Argument var result: String

    func run() throws { try EvaluationChild.run(request: request, result: result) }
}
