using System.CommandLine;
using Pimm.Core;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;
using Pimm.Core.Queueing;

namespace Pimm.Jobs.CommandLine;

/// <summary>Takes files in: the same door as a page's.</summary>
public static class ImportCommand
{
    private static readonly Argument<string> File = new("file") { Description = "delimited text, plain or gzip, UTF-8" };
    private static readonly Option<string> AudienceName = new("--audience") { Description = "the audience's name", Required = true };
    private static readonly Option<double> AcceptBadShare = new("--accept-bad-share") { Description = "stop with nothing applied when more rows than this share cannot be used, 0 to 1", DefaultValueFactory = _ => 0.05 };
    private static readonly Option<string> Order = new("--order") { Description = "labels out of the funnel's order: reject, cascade-up or cascade-down", DefaultValueFactory = _ => "reject" };

    private static readonly Option<string?> Delimiter = new("--delimiter") { Description = "one character; by default found" };

    public static Command Create() => new("import", "takes customers, history or outcomes in from a file") { Customers(), History(), Outcomes() };

    private static Command Customers()
    {
        var key = new Option<string>("--key") { Description = "the column that names a customer; needed when the audience is new" };
        var funnel = new Option<string>("--funnel") { Description = "names of the funnel's stages in order, for a new audience", DefaultValueFactory = _ => "click,conversion,core_conversion" };
        var ignore = new Option<string>("--ignore") { Description = "columns that are no attributes, for a new audience", DefaultValueFactory = _ => "" };
        return new Command("customers", "a complete state of an audience: its next version; a new name makes a new audience")
        {
            File, AudienceName, key, funnel, ignore, AcceptBadShare, Delimiter, Invocation.JsonOption,
        }.Does(async (call, cancellationToken) =>
        {
            var path = PathOf(call);
            var audiences = call.Service<AudienceStore>();
            var name = call.Arguments.GetValue(AudienceName)!;
            var audience = await audiences.FindByNameAsync(name, cancellationToken);
            var id = audience?.Id;
            if (id is null)
            {
                var keyColumn = call.Arguments.GetValue(key) ?? throw new InputException($"The audience \"{name}\" is new: say with --key which column names a customer.");
                var columns = ColumnDetection.Detect(path, keyColumn, Names(call.Arguments.GetValue(ignore)!), CharacterOf(call));
                id = await audiences.CreateAsync(name, keyColumn, columns, Names(call.Arguments.GetValue(funnel)!), cancellationToken: cancellationToken);
            }
            return await RunAsync(call, id.Value, "customers", path, cancellationToken);
        });
    }

    private static Command History() =>
        new Command("history", "impressions of the past with the customer's attributes as they were then; columns impression_at and the funnel's stages")
        {
            File, AudienceName, AcceptBadShare, Order, Delimiter, Invocation.JsonOption,
        }.Does(async (call, cancellationToken) => await RunAsync(call, (await AudienceAsync(call, cancellationToken)).Id, "history", PathOf(call), cancellationToken));

    private static Command Outcomes()
    {
        var source = new Option<string>("--source") { Description = "who counted the events; an event's id is unique within its source", Required = true };
        return new Command("outcomes", "deliveries, funnel labels and customer outcomes; columns event_id, kind, customer, campaign, wave, stage, occurred_at, amount")
        {
            File, AudienceName, source, AcceptBadShare, Order, Delimiter, Invocation.JsonOption,
        }.Does(async (call, cancellationToken) =>
        {
            var audience = await AudienceAsync(call, cancellationToken);
            var request = new OutcomesRequest(audience.Id, PathOf(call), call.Arguments.GetValue(source)!, Share(call), RuleOf(call), CharacterOf(call));
            return await StageRun.DoAsync(call, new JobRequest(ImportOutcomes.JobKind, StageRun.NewKey("outcomes"), request), cancellationToken);
        });
    }

    private static Task<int> RunAsync(Invocation call, long audienceId, string kind, string path, CancellationToken cancellationToken)
    {
        var request = new ImportRequest(audienceId, kind, path, Share(call), kind == "history" ? RuleOf(call) : "reject", CharacterOf(call));
        return StageRun.DoAsync(call, new JobRequest(ImportFile.JobKind, StageRun.NewKey(kind), request), cancellationToken);
    }

    private static async Task<Audience> AudienceAsync(Invocation call, CancellationToken cancellationToken)
    {
        var name = call.Arguments.GetValue(AudienceName)!;
        return await call.Service<AudienceStore>().FindByNameAsync(name, cancellationToken)
            ?? throw new InputException($"There is no audience named \"{name}\": import its customers first.");
    }

    private static string PathOf(Invocation call)
    {
        var path = Path.GetFullPath(call.Arguments.GetValue(File)!);
        // Looked at before anything is made for it.
        using var file = DelimitedReader.Open(path, CharacterOf(call));
        return path;
    }

    private static double Share(Invocation call)
    {
        var share = call.Arguments.GetValue(AcceptBadShare);
        return share is >= 0 and <= 1 ? share
            : throw new InputException(FormattableString.Invariant($"--accept-bad-share is {share}: it must lie between 0 and 1."));
    }

    private static char? CharacterOf(Invocation call) => DatasetArguments.CharacterOf(call.Arguments.GetValue(Delimiter));

    private static string RuleOf(Invocation call)
    {
        var rule = call.Arguments.GetValue(Order)!;
        FunnelOrders.Parse(rule);
        return rule;
    }

    private static string[] Names(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
