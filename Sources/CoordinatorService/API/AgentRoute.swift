package import HTTPTypes

/// What the agents' listener answers: a closed list, each for active sites only. What is not in it is refused.
package enum AgentRoute: CaseIterable, Sendable {
    case poll, object, consent, openUpload, uploadStatus, upload, refusal, report, renewal, sendProbe, fetchProbe

    package var method: HTTPRequest.Method {
        switch self {
        case .poll, .consent, .openUpload, .refusal, .report, .renewal, .sendProbe: .post
        case .object, .uploadStatus, .fetchProbe: .get
        case .upload: .patch
        }
    }

    package var path: String {
        switch self {
        case .poll: "/v1/poll"
        case .object: "/v1/objects/{digest}"
        case .consent: "/v1/studies/{study}/consent"
        case .openUpload: "/v1/uploads"
        case .uploadStatus, .upload: "/v1/uploads/{id}"
        case .refusal: "/v1/refusals"
        case .report: "/v1/reports"
        case .renewal: "/v1/renewal"
        case .sendProbe, .fetchProbe: "/v1/probe"
        }
    }

    /// Most bytes of a request's body; of an upload it is what is missing.
    package var bodyLimit: Int {
        switch self {
        case .poll, .openUpload: 64 << 10
        case .consent, .refusal, .renewal: 16 << 10
        case .report: 256 << 10
        case .sendProbe: Self.probeLimit
        case .object, .uploadStatus, .upload, .fetchProbe: 0
        }
    }

    /// Most bytes of a transfer test, each way.
    package static let probeLimit = 16 << 20
}
