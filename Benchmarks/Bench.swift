import Foundation

/// `bench` measures everything, or what follows `--only`; `bench MEASURE …` takes one measurement in this process and
/// prints it as JSON.
///
/// Each measurement runs in a child process of its own, so that its peak memory is its own.
enum Bench {
    /// The folder of this program, in which `agent` and `coordinator` lie too.
    static let programs = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path

    static func run(_ arguments: [String]) throws {
        if arguments.first?.hasPrefix("--") ?? true {
            guard arguments.isEmpty || ["--peers", "--only"].contains(arguments[0]) else {
                throw BenchError(
                    "usage: bench [--peers FOLDER] [--only NAME…], or bench MEASURE …; see Benchmarks/README.md")
            }
            let peers = arguments.firstIndex(of: "--peers").flatMap { arguments.dropFirst($0 + 1).first }
            let only = arguments.firstIndex(of: "--only").map { Array(arguments.dropFirst($0 + 1)) } ?? []
            try Suite(peers: peers, only: only).run()
            return
        }
        if arguments.first == "paper" || arguments.first == "paper-report" {
            try paper(arguments)
            return
        }
        if arguments.first == "echo-trainer" {
            try EchoTrainer(site: arguments.dropFirst().first.flatMap { Int($0) } ?? 0).run()
            return
        }
        let result = try measure(arguments)
        let json = try JSONEncoder().encode(result)
        print(String(decoding: json, as: UTF8.self))
    }

    /// `paper FOLDER [full | PROTOCOL.json]` carries out the protocol and reports; `paper-report FOLDER` reports what is there.
    private static func paper(_ arguments: [String]) throws {
        guard (2...3).contains(arguments.count) else {
            throw BenchError("usage: bench paper FOLDER [full | PROTOCOL.json], or bench paper-report FOLDER")
        }
        let folder = URL(filePath: arguments[1]).path
        let isReport = arguments[0] == "paper-report"
        let path = isReport ? folder + "/protocol.json" : arguments.dropFirst(2).first
        let planned = try path.map {
            try $0 == "full"
                ? .full : JSONDecoder().decode(PaperProtocol.self, from: Data(contentsOf: URL(filePath: $0)))
        }
        let run = try PaperRun(folder: folder, planned: planned ?? PaperProtocol())
        if !isReport { try run.run() }
        try run.report()
    }

    private static func measure(_ arguments: [String]) throws -> [String: Double] {
        func number(_ index: Int, _ standard: Int) -> Int {
            arguments.indices.contains(index) ? Int(arguments[index]) ?? standard : standard
        }
        func text(_ index: Int) -> String { arguments.indices.contains(index) ? arguments[index] : "" }
        switch arguments[0] {
        case "train":
            return try TrainingStep(preset: text(1), batch: number(2, 1), precision: text(3)).measure(number(4, 5))
        case "pretrain":
            return try PretrainingStep(
                preset: text(1), objective: text(2), batch: number(3, 2), precision: text(4)
            ).measure(number(5, 3))
        case "infer": return try Inference(preset: text(1), precision: text(2)).measure(number(3, 5))
        case "prepare":
            return try PrepareCase(recipe: text(1), files: Array(arguments.dropFirst(3))).measure(number(2, 5))
        case "fit": return try FitRate(preset: text(1), precision: text(2)).measure(number(3, 3))
        case "rounds":
            return try EchoRounds(megabytes: number(1, 100), sites: number(2, 2), rounds: number(3, 5)).measure()
        case "load": return try LoadFigures().measure()
        case "gemm": return try Products().measure()
        case "fold": return try FoldRate(size: text(1), sites: number(2, 8)).measure(number(3, 5))
        case "explain":
            return try ExplainCost(preset: text(1), method: text(2), precision: text(3)).measure(number(4, 3))
        case "familiarity":
            return try FamiliarityRate(
                cohort: text(1), model: text(2), site: text(3), most: number(4, 600),
                restorer: arguments.dropFirst(5).first
            ).measure()
        case "floor": return try Floor().measure()
        default: throw BenchError("no measurement is called \(arguments[0])")
        }
    }
}

struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The median of repeated timings of a closure in seconds, after one run that is not counted.
func median(of runs: Int, _ body: () throws -> Void) rethrows -> Double {
    try body()
    var seconds: [Double] = []
    for _ in 0..<max(runs, 1) {
        let start = ContinuousClock.now
        try body()
        seconds.append((ContinuousClock.now - start) / .seconds(1))
    }
    return seconds.median
}

extension [Double] {
    /// The middle one when sorted, the upper of two; 0 of none.
    var median: Double { isEmpty ? 0 : sorted()[count / 2] }
}

/// Peak resident memory of this process in GiB (VmHWM).
func peakGiB() -> Double {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") } ?? ""
    let kilobytes = line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Double($0) } ?? 0
    return kilobytes / 1_048_576
}
