using System.CommandLine;
using System.Globalization;
using Pimm.Core.Importing;

namespace Pimm.Jobs.CommandLine;

/// <summary>Turns the raw files of public data sets into CSV that `train` and `compare` read, without a database.</summary>
public static class ConvertCommand
{
    private static readonly Option<string> Out = new("--out") { Description = "the CSV to write; gzip when it ends in .gz", Required = true };
    private static readonly Option<string> Skeleton = new("--skeleton") { Description = "sample_skeleton_train.csv or _test.csv, plain or gzip", Required = true };
    private static readonly Option<string> Common = new("--common") { Description = "common_features_train.csv or _test.csv, plain or gzip", Required = true };
    private static readonly Option<string?> Joined = new("--joined") { Description = "also write the joined rows with raw ids" };
    private static readonly Option<string?> Vocabulary = new("--vocabulary") { Description = "JSON: used when it exists (test file), else counted and written (training file)" };
    private static readonly Option<int?> MinCount = new("--min-count") { Description = "training rows that an id must occur in to get a number; by default 12" };
    private static readonly Option<string> User = new("--user") { Description = "NL_user_train.csv and the like, plain or gzip", Required = true };
    private static readonly Option<string> Item = new("--item") { Description = "NL_item_train.csv and the like, plain or gzip", Required = true };

    public static Command Create() => new("convert", "turns raw files of Ali-CCP or AliExpress into CSV for train and compare")
    {
        new Command("ali-ccp", "joins and encodes a skeleton file and its common features: click,purchase and 18 fields")
            { Skeleton, Common, Out, Joined, Vocabulary, MinCount, Invocation.JsonOption }
            .Does((call, cancellationToken) => Task.FromResult(AliCcp(call, cancellationToken))),
        new Command("aliexpress", "joins a user and an item file: click,conversion, 16 categorical and 63 numerical columns")
            { User, Item, Out, Invocation.JsonOption }
            .Does((call, cancellationToken) => Task.FromResult(AliExpress(call, cancellationToken))),
    };

    private static int AliCcp(Invocation call, CancellationToken cancellationToken)
    {
        var arguments = call.Arguments;
        var options = new AliCcpOptions
        {
            Skeleton = arguments.GetValue(Skeleton)!,
            Common = arguments.GetValue(Common)!,
            Output = arguments.GetValue(Out)!,
            Joined = arguments.GetValue(Joined),
            Vocabulary = arguments.GetValue(Vocabulary),
            MinCount = arguments.GetValue(MinCount),
        };
        AliCcpSummary summary;
        using (var display = ConversionDisplay.For(call))
        {
            summary = AliCcpConversion.Run(options, TimeProvider.System, display.Show, cancellationToken);
        }

        call.Print(summary, lines =>
        {
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{summary.Rows:N0} rows, {summary.Dropped:N0} bought without a click left out, {summary.CommonRows:N0} rows of common features; {summary.Seconds:F1} s, {summary.RowsPerSecond:N0} raw rows/s"));
            lines.WriteLine(VocabularyLine(summary, options.Vocabulary));
            lines.WriteLine(string.Join("  ", AliCcpFeatures.Columns.Zip(summary.VocabularySizes, (name, size) => string.Create(CultureInfo.InvariantCulture, $"{name}: {size:N0}"))));
        });
        return ExitCode.Done;
    }

    private static string VocabularyLine(AliCcpSummary summary, string? path) => (summary.VocabularyLearned, path) switch
    {
        (false, _) => $"Encoded with the vocabulary {path}, counted with a minimum of {summary.MinCount}. Its sizes:",
        (true, null) => $"The vocabulary was counted from this file (minimum {summary.MinCount}) and not kept; a test file needs --vocabulary. Its sizes:",
        (true, _) => $"The vocabulary was counted from this file (minimum {summary.MinCount}) and written to {path}. Its sizes:",
    };

    private static int AliExpress(Invocation call, CancellationToken cancellationToken)
    {
        var options = new AliExpressOptions
        {
            User = call.Arguments.GetValue(User)!,
            Item = call.Arguments.GetValue(Item)!,
            Output = call.Arguments.GetValue(Out)!,
        };
        AliExpressSummary summary;
        using (var display = ConversionDisplay.For(call))
        {
            summary = AliExpressConversion.Run(options, TimeProvider.System, display.Show, cancellationToken);
        }

        call.Print(summary, lines => lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{summary.Rows:N0} rows on {summary.Pages:N0} result pages, {summary.Unmatched:N0} without a page left out; {summary.Seconds:F1} s, {summary.RowsPerSecond:N0} raw rows/s")));
        return ExitCode.Done;
    }
}
