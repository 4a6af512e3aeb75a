/// The few letters of a contact sheet, five pixels wide and seven high.
enum Glyphs {
    static let width = 5
    static let height = 7

    /// From the top, the pixels of each row with the leftmost in bit 4; nothing for a letter that is not needed.
    static func rows(of character: Character) -> [UInt8] {
        switch character {
        case "T": [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100]
        case "1": [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110]
        case "2": [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111]
        case "w": [0b00000, 0b00000, 0b10001, 0b10001, 0b10101, 0b10101, 0b01010]
        case "c": [0b00000, 0b00000, 0b01110, 0b10000, 0b10000, 0b10001, 0b01110]
        case "F": [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b10000]
        case "L": [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111]
        case "A": [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001]
        case "I": [0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110]
        case "R": [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001]
        default: []
        }
    }
}
