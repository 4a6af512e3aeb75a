package import Federation

/// What a site allows and how its agent runs: `agent.yaml`. Only an edit of that file changes it; nothing that a
/// coordinator sends can.
package struct AgentConfiguration: Sendable, Equatable {
    /// Whether something waits for the admin's word.
    package enum Approval: String, Sendable, CaseIterable { case manual, automatic }

    /// What each kind of act needs; all manual unless the site says otherwise.
    package struct Approvals: Sendable, Equatable {
        /// Joining a study, and its amendments.
        package var consent = Approval.manual
        /// Sending an update.
        package var update = Approval.manual
        /// Sending counts and score histograms of an evaluation.
        package var evaluation = Approval.manual
        /// Fetching a release.
        package var release = Approval.manual

        package init() {}
    }

    /// A study the site may take part in.
    package struct Study: Sendable, Equatable {
        /// Manifest of the cases; nil for the site's default.
        package var data: String?
        /// Where these cases come from; nil for the site's default.
        package var origin: Governance.DataOrigin?

        package init(data: String? = nil, origin: Governance.DataOrigin? = nil) {
            self.data = data
            self.origin = origin
        }
    }

    /// Who trains.
    package enum Trainer: Sendable, Equatable {
        case builtin
        /// The site's own command with its arguments, run in the worker's sandbox.
        case external(command: [String])
    }

    /// Which releases are kept at the site.
    package enum Fetch: String, Sendable, CaseIterable { case none, promoted, all }

    /// Least of what a plan must promise before this site takes part.
    package struct Floors: Sendable, Equatable {
        /// Sites without which no round is folded.
        package var minimumSites = 2
        package var kinds: Set<String> = ["training", "evaluation", "rehearsal"]
        /// The plan's `max_norm` may not be above this; nil for any.
        package var maximumNorm: Double?
        /// Whether a plan over data not declared synthetic or public must say `open_mode_agreed`.
        package var requireOpenModeAgreed = true
        /// Most rounds of one study; nil for any.
        package var maximumRounds: Int?

        package init() {}
    }

    /// Bytes a second; nil for no limit.
    package struct Bandwidth: Sendable, Equatable {
        package var up: Int?
        package var down: Int?

        package init() {}
    }

    /// `host:port`; nil for the address learnt at enrolment.
    package var coordinator: String?
    /// Such as `http://proxy.hospital:3128`; nil for `https_proxy` of the environment.
    package var proxy: String?
    /// Manifest for studies that name none of their own.
    package var data: String?
    /// Where the site's cases come from, unless a study says otherwise. Of patients' data, the strictest, unless the site
    /// says so itself: a plan cannot make them public.
    package var origin = Governance.DataOrigin.agreement
    /// Studies the site may take part in by name; nil for any that the policy lets pass.
    package var studies: [String: Study]?
    package var approve = Approvals()
    /// Least cases of all classes together, and of each, for training.
    package var minimumCases = 20
    package var minimumCasesPerClass = 5
    package var bandwidth = Bandwidth()
    /// When models may be moved; always unless given.
    package var hours = TransferHours.always
    package var floors = Floors()
    package var trainer = Trainer.builtin
    package var releases = Fetch.promoted
    /// Threads of the worker; nil for one a processor.
    package var threads: Int?
    /// `fp32` or `bf16`; nil for the faster one the processor has.
    package var precision: String?

    package init() {}

    /// Where a study's cases come from, by the site's own word.
    package func origin(study: String) -> Governance.DataOrigin { studies?[study]?.origin ?? origin }

    /// Manifest of a study's cases.
    package func data(study: String) -> String? { studies?[study]?.data ?? data }

    /// All manifests named, each once.
    package var manifests: [String] {
        Set([data].compactMap(\.self) + (studies ?? [:]).values.compactMap(\.data)).sorted()
    }
}
