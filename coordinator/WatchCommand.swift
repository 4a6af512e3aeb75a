import ArgumentParser
import CoordinatorService
import Federation
import Glibc

extension StudyCommand {
    /// A table that follows the study.
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Follow a study until it ends.",
            discussion: """
                On a terminal the table is drawn again in place; elsewhere each new round is a line. With --json each \
                change is one line of JSON.
                """)
        @OptionGroup var options: StateOptions
        @Flag(help: "Print each change as one line of JSON.") var json = false
        @Argument var study: String
        @Option(help: "Seconds between looks.") var every = 1.0

        func validate() throws {
            guard every >= 0.1, every <= 3600 else { throw ValidationError("--every must be from 0.1 to 3600 seconds") }
        }

        func run() async throws {
            let isTerminal = isatty(STDOUT_FILENO) == 1 && !json
            var drawn = 0
            var told = 0
            var last: StudyReport?
            while true {
                guard let report = try await options.carryOut(ListStudies(study: study)).first else { return }
                if json {
                    if report != last { print(try StudyTable(report).line) }
                } else if isTerminal {
                    let lines = StudyTable(report).lines
                    print(drawn > 0 ? "\u{1B}[\(drawn)A\u{1B}[J" : "", terminator: "")
                    for line in lines { print(line) }
                    drawn = lines.count
                } else {
                    let ended = report.status.history.filter { !$0.phase.isOpen }
                    for round in ended.dropFirst(told) {
                        print(StudyTable.line(of: round, planned: report.status.rounds))
                    }
                    told = ended.count
                }
                fflush(nil)
                last = report
                if report.status.standing.isOver {
                    if !isTerminal && !json { print("\(study) is \(report.status.standing.rawValue)") }
                    return
                }
                try await Task.sleep(for: .seconds(every))
            }
        }
    }
}
