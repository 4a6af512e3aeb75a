import ArgumentParser
import CoordinatorService

/// `coordinator report`: what a reviewer asks of a study.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Write a study's report: one HTML page and the CSV files it is made of.",
        discussion: """
            Cohort by site, rounds, figures with intervals, curves, forest plot, tests opened, plan, digests and \
            versions; with further studies also models by task with tests, and the area by the number of training \
            cases. The page needs no network and holds no picture of anybody.
            """)
    @OptionGroup var options: StateOptions
    @Argument var study: String
    @Argument(help: "Studies to put beside it.") var others: [String] = []
    @Option(help: "Folder for it; files of the same names are replaced.", completion: .directory) var out: String

    func run() async throws {
        let report = WriteReport(study: study, others: others, folder: absolute(out))
        let answer = try await options.carryOut(report, alone: true)
        print(answer.files.first ?? "")
    }
}
