import Federation
import Foundation
import Testing

@Suite struct TimestampTests {
    @Test("a moment comes back as it was written, to the millisecond")
    func written() throws {
        for start in [Int64(-86_400_000), 0, 1_795_389_805_000, 4_102_444_800_000] {
            for part in 0..<1000 {
                let moment = Timestamp(milliseconds: start + Int64(part))
                let text = try MessageCoding.encode([moment])
                #expect(try MessageCoding.decode([Timestamp].self, from: text) == [moment], "\(text)")
            }
        }
        #expect("\(Timestamp(milliseconds: 1_795_389_805_007))" == "2026-11-22T23:23:25.007Z")
        #expect("\(Timestamp(milliseconds: -1))" == "1969-12-31T23:59:59.999Z")
    }
}
