package import Foundation
package import Transport

/// What was seen at a site, before anything is concluded from it.
package struct DoctorEvidence: Sendable {
    /// How the first request to the coordinator went.
    package enum Contact: Sendable {
        /// Not tried: there is no address, or no identity.
        case untried
        /// The coordinator answered; by so many seconds this machine's clock is ahead of its own.
        case answered(clockLead: Double?)
        case failed(TransportError)
    }

    /// 16 MiB each way, in bytes a second.
    package enum Transfer: Sendable {
        case untried
        case measured(up: Double, down: Double)
        case failed(TransportError)
    }

    /// A scan folder's manifest and what its gate said.
    package struct Data: Sendable {
        package var manifest: String
        package var cases: Int
        /// One sentence each.
        package var problems: [String]

        package init(manifest: String, cases: Int, problems: [String]) {
            self.manifest = manifest
            self.cases = cases
            self.problems = problems
        }
    }

    /// What the kernel enforces on a worker, tried.
    package struct SandboxOffer: Sendable, Codable {
        package var network: Sandbox.Outcome
        package var files: Sandbox.Outcome

        package init(network: Sandbox.Outcome, files: Sandbox.Outcome) {
            self.network = network
            self.files = files
        }
    }

    /// Why the settings cannot be read; nil when they can.
    package var configurationProblem: String?
    /// Why this site has no usable identity; nil when it has.
    package var identityProblem: String?
    /// Files and folders that others may read.
    package var exposed: [String] = []
    /// Those that belong to another user.
    package var foreign: [String] = []
    /// `host:port`
    package var address: String?
    /// Without its password; nil for a direct connection.
    package var proxy: String?
    package var contact = Contact.untried
    package var transfer = Transfer.untried
    /// When the site's own certificate ends.
    package var certificateEnd: Date?
    package var now: Date
    package var freeDisk: Int?
    package var availableMemory: Int?
    /// Bytes of the largest model of an open study; nil when none is known.
    package var modelBytes: Int?
    /// Such as `avx2`; nil where the question has no answer (not x86-64).
    package var processorFlags: Set<String>?
    /// What the kernel enforces, and what it does not; nil when it was not asked.
    package var sandbox: SandboxOffer?
    /// Whether a task of this site is under way, which takes memory and disk itself.
    package var isAtWork = false
    package var data: [Data] = []

    package init(now: Date) { self.now = now }
}
