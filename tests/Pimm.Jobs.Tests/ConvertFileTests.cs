using System.Text.Json;
using Pimm.Jobs.CommandLine;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>`convert` on small raw files, in this process.</summary>
public sealed class ConvertFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("pimm-convert-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Ali_CCP_prints_one_JSON_document_with_the_promised_fields_and_nothing_else()
    {
        Write("skeleton.csv", "1,1,0,00000000000000aa,1,205\u00027\u00031.0\n2,0,1,00000000000000aa,1,205\u00027\u00031.0\n");
        Write("common.csv", "00000000000000aa,1,101\u00025\u00031.0\n");

        var (exitCode, output, error) = await Run(
            "convert", "ali-ccp", "--skeleton", At("skeleton.csv"), "--common", At("common.csv"), "--out", At("out.csv"),
            "--joined", At("joined.csv"), "--vocabulary", At("ids.json"), "--min-count", "1", "--json");

        exitCode.ShouldBe(ExitCode.Done, error);
        var document = JsonDocument.Parse(output).RootElement;
        document.EnumerateObject().Select(field => field.Name).ShouldBe(
            ["rows", "dropped", "commonRows", "vocabularySizes", "vocabularyLearned", "minCount", "seconds", "rowsPerSecond"]);
        (document.GetProperty("rows").GetInt32(), document.GetProperty("dropped").GetInt32(), document.GetProperty("commonRows").GetInt32()).ShouldBe((1, 1, 1));
        File.ReadAllLines(At("out.csv"))[1].ShouldBe("1,0,1,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0");
        File.ReadAllLines(At("joined.csv"))[1].ShouldBe("1,0,5,0,0,0,0,0,0,0,0,7,0,0,0,0,0,0,0,0");
        File.Exists(At("ids.json")).ShouldBeTrue();
    }

    [Fact]
    public async Task AliExpress_prints_one_JSON_document_with_the_promised_fields_and_nothing_else()
    {
        Write("user.csv", $"9,{string.Join(',', Enumerable.Repeat(1, 32))}\n");
        Write("item.csv", $"9,{string.Join(',', Enumerable.Repeat(2, 47))},2\n");

        var (exitCode, output, error) = await Run("convert", "aliexpress", "--user", At("user.csv"), "--item", At("item.csv"), "--out", At("out.csv"), "--json");

        exitCode.ShouldBe(ExitCode.Done, error);
        JsonDocument.Parse(output).RootElement.EnumerateObject().Select(field => field.Name).ShouldBe(["rows", "unmatched", "pages", "seconds", "rowsPerSecond"]);
        File.ReadAllLines(At("out.csv"))[1].ShouldStartWith("1,1,1,");
    }

    [Fact]
    public async Task A_file_that_cannot_be_used_ends_with_exit_code_2_and_one_sentence()
    {
        Write("skeleton.csv", "1,1,0,00000000000000ab,0,\n");
        Write("common.csv", "00000000000000aa,1,101\u00025\u00031.0\n");

        var (exitCode, output, error) = await Run("convert", "ali-ccp", "--skeleton", At("skeleton.csv"), "--common", At("common.csv"), "--out", At("out.csv"));

        exitCode.ShouldBe(ExitCode.WrongInput);
        output.ShouldBeEmpty();
        error.Trim().ShouldBe("skeleton.csv, line 1: the common feature index '00000000000000ab' is not in common.csv; correct the line or copy the file again from where it came from.");
        File.Exists(At("out.csv")).ShouldBeFalse();
    }

    private static async Task<(int ExitCode, string Output, string Error)> Run(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var exitCode = await CommandLineHost.RunAsync(arguments, [ConvertCommand.Create()], output, error);
        return (exitCode, output.ToString(), error.ToString());
    }

    private void Write(string name, string text) => File.WriteAllText(At(name), text);

    private string At(string name) => Path.Combine(folder, name);
}
