// Links the whole core and nothing else, so that symbols_test.py can see what it would import from the
// system.
int main() {
  return 0;
}
