/// Every kind of message that may leave a site. There are no others.
package enum EgressKind: String, Sendable, CaseIterable, Codable {
    case poll, consent, refusal
    case updateHeader = "update-header"
    case upload
    case updateFile = "update-file"
    case report, renewal, enrolment
    case fetch
    case uploadStatus = "upload-status"
    case probe

    /// The request that carries it.
    package var request: String {
        switch self {
        case .poll: "POST /v1/poll"
        case .consent: "POST /v1/studies/<name>/consent"
        case .refusal: "POST /v1/refusals"
        case .updateHeader: "inside POST /v1/uploads"
        case .upload: "POST /v1/uploads"
        case .updateFile: "PATCH /v1/uploads/<id>"
        case .report: "POST /v1/reports"
        case .renewal: "POST /v1/renewal"
        case .enrolment: "POST /v1/enrolment"
        case .fetch: "GET /v1/objects/<sha256>"
        case .uploadStatus: "GET /v1/uploads/<id>"
        case .probe: "POST /v1/probe, GET /v1/probe"
        }
    }

    /// What it is for, in one sentence.
    package var purpose: String {
        switch self {
        case .poll: "Asks for work and says how far work has come."
        case .consent: "The site's yes or no to a study's plan, signed by the site."
        case .refusal: "The site will not do an assignment, signed by the site."
        case .updateHeader: "What is said of an update, signed by the site."
        case .upload: "Opens the upload of an update: the signed header above."
        case .updateFile: "The weight delta: numbers for the tensors the plan trains, nothing else."
        case .report: "How base and candidate do on the site's select cases, signed by the site."
        case .renewal: "A fresh key asks for a certificate."
        case .enrolment: "A new site asks for its first certificate."
        case .fetch: "Fetches a model by its digest; no body."
        case .uploadStatus: "Asks where an upload stands; no body."
        case .probe: "Bytes of value zero, to measure the line."
        }
    }

    /// Most bytes of its body.
    package var limit: Int? {
        switch self {
        case .poll, .upload: 64 << 10
        case .consent, .refusal, .renewal, .enrolment, .updateHeader: 16 << 10
        case .report: 256 << 10
        case .probe: 16 << 20
        case .fetch, .uploadStatus: 0
        case .updateFile: nil
        }
    }

    /// Whether the site signs it: on the wire it is the text of a `Signed` envelope.
    package var isSigned: Bool {
        switch self {
        case .consent, .refusal, .updateHeader, .report: true
        default: false
        }
    }
}
