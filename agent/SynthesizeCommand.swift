import ArgumentParser
import Cohort
import Foundation
import Synchronization

extension SyntheticCohort.Generator: ExpressibleByArgument {}

/// `agent synthesize`: a cohort of made heads to try everything on.
struct SynthesizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "synthesize",
        abstract: "Make a synthetic brain-MRI cohort: sites that differ, tumours that can be learned.",
        discussion: """
            Writes a folder per site with a manifest each, a manifest of all and truth.csv (what is really in each \
            head; some labels of the manifests are wrong on purpose). The same options give the same bytes. No \
            person's data is in it.
            """)

    @Option(help: "Scans in all, over all sites.")
    var cases: Int

    @Option(help: "Sites to spread them over.")
    var sites: Int = 1

    @Option(help: "Chooses the cohort: the same seed, the same bytes.")
    var seed: UInt64 = 1

    @Option(help: "Folder to make; an earlier synthetic cohort in it is replaced.", completion: .directory)
    var out: String

    @Option(help: "Voxels over 192 mm in the finest grid, 32 to 256.")
    var size: Int = 96

    @Option(help: "Family of brains and lesions; second is to test what was learned on first.")
    var generator = SyntheticCohort.Generator.first

    @Option(help: "Cases made at the same time.")
    var threads: Int = ProcessInfo.processInfo.activeProcessorCount

    func run() throws {
        let cohort = try SyntheticCohort(cases: cases, sites: sites, seed: seed, size: size, generator: generator)
        let total = cases
        // A line when a twentieth more is done; cases finish on several threads.
        let printed = Mutex(0)
        let began = ContinuousClock.now
        try cohort.write(to: out, threads: threads) { done in
            printed.withLock { last in
                guard done * 20 / total > last * 20 / total || done == total, done > last else { return }
                last = done
                print("\(done) of \(total) cases")
            }
        }
        let seconds = Double((ContinuousClock.now - began).components.seconds)
        print("\(total) cases of \(sites) sites in \(out)/manifest.csv, \(Int(seconds)) s")
    }
}
