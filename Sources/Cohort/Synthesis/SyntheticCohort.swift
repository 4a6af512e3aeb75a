import Dispatch
import Imaging
import NIfTI
import Synchronization

/// A cohort of made heads in which tumours can be learned, at sites that differ as hospitals do.
///
/// ```swift
/// let cohort = try SyntheticCohort(cases: 120, sites: 3, seed: 7)
/// try cohort.write(to: "cohort", threads: 2)
/// ```
/// The same settings give the same bytes, whatever the number of threads.
package struct SyntheticCohort: Sendable {
    package let cases: Int
    package let sites: Int
    package let seed: UInt64
    /// Voxels along the longest side of the head's box (192 mm) in the finest grid.
    package let size: Int
    /// The family of brains and lesions.
    package let generator: Generator

    package enum Generator: String, Sendable, CaseIterable {
        case first
        /// Other deformations, tissue values and lesion textures, to test what training on the first has taught.
        case second

        var variant: GeneratorVariant {
            switch self {
            case .first: .first
            case .second: .second
            }
        }
    }

    /// The length in millimetres that `size` voxels cover.
    package static let boxLength = 192.0

    /// - Parameters:
    ///   - cases: visits over all sites, 1…100,000 and at least as many as sites.
    ///   - sites: 1…64.
    ///   - size: 32…256.
    /// - Throws: `SynthesisError` when a number is out of range.
    package init(cases: Int, sites: Int, seed: UInt64, size: Int = 96, generator: Generator = .first)
        throws(SynthesisError)
    {
        guard (1...100_000).contains(cases) else {
            throw SynthesisError(.badSetting, "\(cases) cases cannot be made; ask for 1 to 100000")
        }
        guard (1...64).contains(sites), sites <= cases else {
            throw SynthesisError(
                .badSetting, "\(sites) sites cannot share \(cases) cases; ask for 1 to 64, at most one a case")
        }
        guard (32...256).contains(size) else {
            throw SynthesisError(.badSetting, "a size of \(size) voxels cannot be made; ask for 32 to 256")
        }
        self.cases = cases
        self.sites = sites
        self.seed = seed
        self.size = size
        self.generator = generator
    }

    /// Makes the cohort and puts it into place when it is complete.
    ///
    /// - Parameters:
    ///   - folder: does not exist, is empty, or holds an earlier synthetic cohort, which is then replaced.
    ///   - threads: cases made at the same time; one takes about 50 bytes a voxel of memory.
    ///   - progress: told the number of cases done, from several threads.
    /// - Throws: `SynthesisError`, or `NIfTIError` when a file cannot be written; the folder is then as it was.
    package func write(
        to folder: String, threads: Int, progress: (@Sendable (Int) -> Void)? = nil
    ) throws {
        guard (1...1024).contains(threads) else {
            throw SynthesisError(.badSetting, "\(threads) threads cannot be used; ask for 1 to 1024")
        }
        let target = try CohortFolder(folder, bytesNeeded: bytesNeeded)
        do {
            try fill(target, threads: threads, progress: progress)
            try target.commit()
        } catch {
            target.abandon()
            throw error
        }
    }

    /// An upper estimate of the bytes written.
    private var bytesNeeded: Int {
        let voxels = Double(size) * Double(size) * Double(size) * 0.75
        return Int(Double(cases) * voxels * 7)
    }

    private func fill(_ target: CohortFolder, threads: Int, progress: (@Sendable (Int) -> Void)?) throws {
        let plan = CohortPlan(cases: cases, sites: sites, seed: seed, spacing: Self.boxLength / Double(size))
        for site in 0..<sites { try target.makeFolder("site-\(site + 1)") }
        let volumes = try parallel(plan.visits, threads: threads, progress: progress) { visit in
            try write(visit, of: plan, to: target)
        }
        func rows(_ site: Int?, _ prefix: (CohortPlan.Visit) -> String) -> String {
            let lines = zip(plan.visits, volumes).filter { site == nil || $0.0.patient.site == site }
                .map { visit, volume in
                    SyntheticManifest.row(
                        visit, site: plan.sites[visit.patient.site], folder: prefix(visit) + visit.id,
                        hasMask: hasMask(visit, volume))
                }
            return ([SyntheticManifest.header] + lines).joined(separator: "\n") + "\n"
        }
        for site in 0..<sites { try target.write(rows(site) { _ in "" }, to: "site-\(site + 1)/manifest.csv") }
        try target.write(rows(nil) { "site-\($0.patient.site + 1)/" }, to: "manifest.csv")
        let truths = zip(plan.visits, volumes).map { SyntheticManifest.truthRow($0, millilitres: $1) }
        try target.write(
            ([SyntheticManifest.truthHeader] + truths).joined(separator: "\n") + "\n", to: "truth.csv")
        try target.write(
            """
            {"generator":"consilium synthesize","version":1,"cases":\(cases),"sites":\(sites),"seed":\(seed),\
            "size":\(size)\(generator == .first ? "" : ",\"family\":\"\(generator.rawValue)\"")}

            """, to: CohortFolder.markerName)
    }

    /// A tumour is drawn by someone who saw it: not where the label says there is none.
    private func hasMask(_ visit: CohortPlan.Visit, _ millilitres: Double) -> Bool {
        millilitres > 0 && visit.patient.label != .normal
    }

    /// Makes and writes the files of one visit.
    /// - Returns: the tumour's volume in millilitres.
    private func write(_ visit: CohortPlan.Visit, of plan: CohortPlan, to target: CohortFolder) throws -> Double {
        let site = plan.sites[visit.patient.site]
        let folder = "site-\(visit.patient.site + 1)/\(visit.id)"
        try target.makeFolder(folder)
        let body = plan.body(of: visit)
        let scan = plan.scan(of: visit)
        let head = head(of: visit, site: site, body: body, scan: scan)
        let scanner = Scanner(site: site, random: scan)
        let present = Contrast.allCases.filter { visit.present[$0.channel] }
        for contrast in present {
            let image = scanner.acquire(contrast, of: head)
            try write(image, as: site.datatype, to: target.path("\(folder)/\(contrast.rawValue).nii.gz"))
        }
        // Masks lie on the finest grid there is.
        func edges(_ contrast: Contrast) -> [Double] {
            let s = site.acquisitions[contrast.channel].spacing
            return [s.x, s.y, s.z]
        }
        let finest = FinestGrid.index(of: present.map(edges)).map { present[$0] } ?? .t1w
        try write(
            scanner.brain(of: head, on: finest), as: .uint8, to: target.path("\(folder)/brain.nii.gz"))
        guard visit.patient.truth != .normal else { return 0 }
        let mask = scanner.mask(of: head, on: finest)
        let millilitres = Double(mask.voxels.reduce(0, +)) * edges(finest).reduce(1, *) / 1000
        if hasMask(visit, millilitres) {
            try write(mask, as: .uint8, to: target.path("\(folder)/mask.nii.gz"))
        }
        return millilitres
    }

    private func head(
        of visit: CohortPlan.Visit, site: SiteProtocol, body: RandomStream, scan: RandomStream
    ) -> SyntheticHead {
        let patient = visit.patient
        // The head lies the same at both visits; slices are planned anew, and gain and noise change.
        let anatomy = BrainAnatomy(atrophy: patient.atrophy, variant: generator.variant, random: body)
        var change = scan.fork("growth")
        let growth = visit.timepoint == 0 ? 1 : change.uniform(0.85, 1.25)
        let lesion = LesionPlan(patient.truth, growth: growth, random: body).map {
            Lesion($0, in: anatomy, variant: generator.variant, random: body)
        }
        return SyntheticHead(
            anatomy: anatomy, lesion: lesion,
            findings: IncidentalFindings(atrophy: patient.atrophy, anatomy: anatomy, random: body),
            spacing: Float(Self.boxLength / Double(size)),
            sequences: site.acquisitions.map { $0.sequence.varied(&change) },
            dose: change.uniform(0.5, 1.25), field: site.field, relaxation: generator.variant.relaxation)
    }

    private func write(_ image: Scanner.Image, as datatype: NIfTIDatatype, to path: String) throws {
        try NIfTIFile.write(
            path, voxels: image.voxels, dims: image.grid.dims, affine: image.grid.affine, datatype: datatype)
    }

    /// The results of `body` in order. After an error no new case is begun; of several errors, the first in order.
    private func parallel(
        _ visits: [CohortPlan.Visit], threads: Int, progress: (@Sendable (Int) -> Void)?,
        _ body: @Sendable (CohortPlan.Visit) throws -> Double
    ) throws -> [Double] {
        let results = Mutex<[Int: Result<Double, any Error>]>([:])
        let next = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: min(threads, visits.count)) { _ in
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < visits.count else { return }
                let result = Result { try body(visits[index]) }
                if case .failure = result { next.store(visits.count, ordering: .relaxed) }
                let done = results.withLock {
                    $0[index] = result
                    return $0.count
                }
                progress?(done)
            }
        }
        return try results.withLock { found in
            try visits.indices.compactMap { try found[$0]?.get() }
        }
    }
}
