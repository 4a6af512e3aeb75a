import Cohort
import Compute
import Encoder
import Federation
import Imaging
import Training
import Weights

extension WorkerResult.Refusal {
    /// What an error means for the coordinator. The error's own sentence may name cases and files: it stays at the site.
    init(_ error: any Error) {
        let (reason, detail): (Federation.Refusal.Reason, String) =
            switch error {
            case let refusal as WorkerResult.Refusal: (refusal.reason, refusal.detail)
            case is CohortError: (.data, "The manifest or a case of this site cannot be used for the study's task.")
            case is ImagingError: (.data, "Scans of this site cannot be prepared by the plan's recipe.")
            case let error as TrainingError: Self.meaning(error)
            case let error as EncoderError:
                error.code == .memory
                    ? (.resources, "The machine has too little memory for the model.")
                    : (.failed, "The model cannot be used by this release.")
            case is ComputeError: (.resources, "The machine lacks what the plan's computation needs.")
            case let error as WeightsError:
                error.code == .diskFull
                    ? (.resources, "The disk is full.")
                    : (.failed, "The model or the update cannot be read or written.")
            // It is about tensors, never about cases.
            case let error as Problem: (.failed, Self.plain(error.message))
            case is PlanError: (.failed, "The plan cannot be read by this release.")
            default: (.failed, "The task ended with an error; the site's own log has it.")
            }
        let local = (error as? WorkerResult.Refusal)?.local ?? "\(error)"
        self.init(reason, detail, local: local == detail ? nil : local)
    }

    /// A sentence as the egress schema lets it pass.
    private static func plain(_ text: String) -> String {
        String(text.map { $0.isASCII && $0 != "/" && $0 != "\\" ? $0 : " " }.prefix(300))
    }

    private static func meaning(_ error: TrainingError) -> (Federation.Refusal.Reason, String) {
        switch error.code {
        case .data: (.data, "The cases of this site cannot be used for the study's task.")
        case .memory: (.resources, "The machine has too little memory for the model.")
        case .notFinite: (.failed, "Training diverged: a loss, gradient or score was not a finite number.")
        case .settings: (.failed, "The plan or its base model asks for what cannot be trained.")
        case .checkpoint: (.failed, "The worker's checkpoint cannot be used.")
        case .cannotWrite: (.resources, "The worker cannot write: its disk is full or closed to it.")
        }
    }
}
