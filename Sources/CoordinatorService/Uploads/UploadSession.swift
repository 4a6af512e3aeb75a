final class UploadSession: Sendable {
    let site: String
    let turn = UploadTurn()
    init(site: String) { self.site = site }
}
