using System.Runtime.CompilerServices;

namespace Pimm.Testing;

/// <summary>
/// A text that a person reads, kept as a file beside its test and reviewed in the change. A difference fails the test and
/// leaves NAME.received beside it; with PIMM_ACCEPT=1 the received text becomes the verified one.
/// </summary>
public static class VerifiedFile
{
    public static void ShouldMatch(string received, string name, [CallerFilePath] string test = "")
    {
        string verified = Path.Combine(Path.GetDirectoryName(test)!, name), beside = verified + ".received";
        string text = received.ReplaceLineEndings("\n");
        if (Environment.GetEnvironmentVariable("PIMM_ACCEPT") == "1")
            File.WriteAllText(verified, text);
        string expected = File.Exists(verified) ? File.ReadAllText(verified).ReplaceLineEndings("\n") : "";
        if (expected == text)
        {
            File.Delete(beside);
            return;
        }
        File.WriteAllText(beside, text);
        string[] was = expected.Split('\n'), now = text.Split('\n');
        int line = was.Zip(now).TakeWhile(pair => pair.First == pair.Second).Count();
        throw new InvalidOperationException(
            $"{name} differs from line {line + 1}: expected \"{was.ElementAtOrDefault(line)}\", received \"{now.ElementAtOrDefault(line)}\"; compare {Path.GetFileName(beside)}, and accept it with PIMM_ACCEPT=1.");
    }
}
