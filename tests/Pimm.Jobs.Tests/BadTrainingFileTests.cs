using System.Text;
using Pimm.Jobs.CommandLine;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>The kinds of file that `train` cannot use: exit code 2, one sentence, nothing written.</summary>
public sealed class BadTrainingFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("pimm-bad-file-").FullName;

    public static TheoryData<string, byte[], string> Files => new()
    {
        { "empty file", [], "empty" },
        { "header only", Utf8("shop,click,buy\n"), "no rows" },
        { "missing column", Utf8(Good().Replace("buy", "bought", StringComparison.Ordinal)), "buy" },
        { "unbalanced quote", Utf8(Good() + "\"s1,1,0\n"), "quote" },
        { "wrong delimiter", Utf8(Good().Replace(',', '~')), "delimiter" },
        { "NUL byte", Utf8(Good() + "s\0,1,0\n"), "NUL" },
        { "UTF-16", Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes(Good())).ToArray(), "UTF-16" },
        { "label 2", Utf8(Good() + "s1,2,0\n"), "2" },
        { "broken funnel order", Utf8(Good() + "s1,0,1\n"), "order" },
        { "one class only", Utf8("shop,click,buy\n" + string.Concat(Enumerable.Range(0, 200).Select(row => $"s{row % 3},{row % 2},0\n"))), "buy" },
        { "a feature equal to a label", Utf8("shop,click,buy\n" + string.Concat(Enumerable.Range(0, 400).Select(row => $"c{row % 2},{row % 2},{(row % 4 == 1 ? 1 : 0)}\n"))), "shop" },
        { "10,000 columns", Utf8(string.Join(',', Enumerable.Range(0, 10_000).Select(column => $"c{column}")) + ",click,buy\n"), "1,024" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Gets_one_sentence_and_exit_code_2(string kind, byte[] content, string mentions)
    {
        var file = Path.Combine(folder, "bad.csv");
        File.WriteAllBytes(file, content);
        using var output = new StringWriter();
        using var error = new StringWriter();

        var exitCode = await CommandLineHost.RunAsync(
            ["train", "--data", file, "--tasks", "click,buy", "--out", Path.Combine(folder, "model"), "--threads", "1", "--json", "--write-splits", Path.Combine(folder, "splits")],
            [TrainCommand.Create()],
            output,
            error);

        exitCode.ShouldBe(ExitCode.WrongInput, $"{kind}: {error}");
        output.ToString().ShouldBe("");
        error.ToString().TrimEnd('\n').ShouldNotContain('\n');
        error.ToString().ShouldContain(mentions);
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).ShouldBe([file]);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static string Good() => "shop,click,buy\n" + string.Concat(Enumerable.Range(0, 300).Select(row => $"s{row * 7 % 5},{row % 3 % 2},{(row % 6 == 1 ? 1 : 0)}\n"));

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
