import Files
import Glibc

/// The `agent.yaml` that enrolment leaves where there is none: every setting, all at their defaults.
package enum FirstConfiguration {
    package static let text = """
        # What this site allows. Only an edit of this file changes it; the agent reads it again by itself.
        # Everything that has a # in front is at the value shown.

        # Manifest of the site's cases (docs/manifest.md); needed to train or to evaluate.
        # data: /data/manifest.csv

        # Where the cases come from: agreement (patients' data; a plan must then show its governance), synthetic or public.
        # origin: agreement

        # Studies this site may take part in, each with a manifest of its own if it needs one.
        # Without this list, every study is judged by the floors below.
        # studies:
        #   tumour-1: {}
        #   tumour-2:
        #     data: /data/tumour-2.csv

        # What waits for your word (`agent status`, `agent approve ID`, `agent refuse ID --reason "…"`).
        approve:
          consent: manual      # joining a study, and every amendment
          update: manual       # sending what was trained
          evaluation: manual   # sending counts and score histograms
          release: manual      # fetching a released model

        # Fewer training cases than this, in all or of one class, and the site says no.
        # minimum:
        #   cases: 20
        #   cases_per_class: 5

        # What a study's plan must promise.
        # floors:
        #   minimum_sites: 2
        #   kinds: [training, evaluation, rehearsal]
        #   max_norm: 10
        #   require_open_mode_agreed: true
        #   max_rounds: 100

        # The line: rates (kB/s, MB/s, kbit/s, Mbit/s) and local hours in which models may be moved.
        # bandwidth:
        #   up: 20 Mbit/s
        #   down: 50 Mbit/s
        # hours: ["20:00-06:00"]
        # proxy: http://proxy.hospital:3128
        # coordinator: fed.example.org:8443

        # Which released models are kept here: none, promoted, all.
        # releases: promoted

        # Who trains: builtin, or the site's own command in the worker's sandbox.
        # trainer:
        #   external: [/opt/site/train.sh, --gpu, "0"]
        # threads: 4
        # precision: fp32

        """

    /// Writes it unless there is a file.
    static func write(to path: String) throws {
        guard access(path, F_OK) != 0 else { return }
        try DurableFile.write(Array(text.utf8), to: path)
    }
}
