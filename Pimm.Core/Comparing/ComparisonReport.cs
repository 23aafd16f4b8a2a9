namespace Pimm.Core.Comparing;
public static class ComparisonReport { public static void Write(ComparisonResult result, string folder, string path) { } } //TODO
