all: programs
