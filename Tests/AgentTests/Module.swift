// The first test of the program takes this one's place.
