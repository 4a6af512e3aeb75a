import ArgumentParser
import CoordinatorService
import Federation

extension PlanTemplate: ExpressibleByArgument {}

/// The studies of the federation.
struct StudyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "study", abstract: "Open studies, steer them, follow them.",
        subcommands: [
            Template.self, Create.self, Amend.self, Start.self, Pause.self, Resume.self, Abort.self, Status.self,
            Watch.self,
            Export.self,
        ])

    struct Template: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a plan to begin from.",
            discussion: "What is marked by three dots is yours to fill in; sites refuse a plan that leaves it out.")
        @Argument(help: "pretraining, detection, discrimination or idh.") var template: PlanTemplate

        func run() { print(template.text, terminator: "") }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open a study from a plan.",
            discussion: "A plan that contradicts itself or has an unknown key is refused with its line.")
        @OptionGroup var options: StateOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The plan, YAML.") var plan: String
        @Option(help: "The initial weights, safetensors, when the plan begins from a file.") var weights: String?

        func run() async throws {
            let report = try await options.carryOut(
                CreateStudy(plan: try text(of: plan), file: plan, weights: weights.map(absolute)))
            try output.show(report) { ["\(report.status.name) is open; its sites are asked for consent"] }
        }
    }

    struct Amend: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a changed plan in place; each site must consent anew.")
        @OptionGroup var options: StateOptions
        @OptionGroup var output: OutputOptions
        @Argument var study: String
        @Argument(help: "The plan, YAML.") var plan: String
        @Option(help: "Why, in one sentence; recorded, and shown to the sites.") var reason: String

        func run() async throws {
            let report = try await options.carryOut(
                AmendStudy(study: study, plan: try text(of: plan), file: plan, reason: reason))
            try output.show(report) {
                ["\(study) has plan version \(report.status.planVersion); its sites are asked again"]
            }
        }
    }

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Begin a study's first round.")
        @OptionGroup var subject: Subject
        func run() async throws { try await subject.steer(.start) }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Open no further round; what is open is finished.")
        @OptionGroup var subject: Subject
        @Option(help: "Why, in one sentence; recorded.") var reason = "paused by the operator"
        func run() async throws { try await subject.steer(.pause, reason: reason) }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Go on after a pause.")
        @OptionGroup var subject: Subject
        func run() async throws { try await subject.steer(.resume) }
    }

    struct Abort: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a study; what is committed stays.")
        @OptionGroup var subject: Subject
        @Option(help: "Why, in one sentence; recorded.") var reason = "ended by the operator"
        @Flag(name: [.long, .short], help: "Do not ask.") var yes = false

        func run() async throws {
            if !yes { try confirm("End \(subject.study) for good? [y/N]") }
            try await subject.steer(.abort, reason: reason)
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say how a study stands, or all of them.")
        @OptionGroup var options: StateOptions
        @OptionGroup var output: OutputOptions
        @Argument var study: String?

        func run() async throws {
            let reports = try await options.carryOut(ListStudies(study: study), alone: true)
            if study != nil, let report = reports.first {
                try output.show(report) { StudyTable(report).lines }
            } else {
                try output.show(reports) {
                    reports.isEmpty ? ["No study yet"] : reports.flatMap { StudyTable($0).lines + [""] }.dropLast()
                }
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy a study's newest model, plan and record into a folder.")
        @OptionGroup var options: StateOptions
        @Argument var study: String
        @Argument(help: "A new or an empty folder.") var folder: String

        func run() async throws {
            let answer = try await options.carryOut(
                ExportModel(subject: .study(study), folder: absolute(folder)), alone: true)
            for file in answer.files { print(file) }
        }
    }

    /// One study, to be steered.
    struct Subject: ParsableArguments {
        @OptionGroup var options: StateOptions
        @OptionGroup var output: OutputOptions
        @Argument var study: String

        func steer(_ action: SteerStudy.Action, reason: String = "") async throws {
            let report = try await options.carryOut(SteerStudy(study: study, action: action, reason: reason))
            try output.show(report) { ["\(study) is \(report.status.standing.rawValue)"] }
        }
    }
}
