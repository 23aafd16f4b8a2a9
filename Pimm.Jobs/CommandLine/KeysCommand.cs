using System.CommandLine;
using System.Globalization;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Auditing;

namespace Pimm.Jobs.CommandLine;

/// <summary>keys create, list, revoke: which programs may use the HTTP API.</summary>
public static class KeysCommand
{
    public static Command Create() => new("keys", "which programs may use the HTTP API") { New(), List(), Revoke() };

    private static Command New()
    {
        var name = new Argument<string>("name") { Description = "which program will use it, for example \"push channel\"" };
        var scopes = new Option<string>("--scopes") { Description = $"what it may do, separated by commas: {string.Join(", ", ApiScopes.All.Keys)}", Required = true };
        var expires = new Option<string>("--expires") { Description = "for how many days it is good, as 90d, at most 730d", DefaultValueFactory = _ => "90d" };
        var replaces = new Option<string?>("--replaces") { Description = "prefix of the key of the same name that this one is to replace: both are good until that one is revoked" };
        return new Command("create", "make a key, printed this once") { name, scopes, expires, replaces, Invocation.JsonOption }.Does(async (invocation, cancellationToken) =>
        {
            var made = await invocation.Service<KeyAdministration>().CreateAsync(
                invocation.Arguments.GetRequiredValue(name), ApiScopes.Parse(invocation.Arguments.GetRequiredValue(scopes)),
                Days(invocation.Arguments.GetRequiredValue(expires)), AuditActor.CommandLine, cancellationToken, invocation.Arguments.GetValue(replaces));
            invocation.Print(new { key = made.Text, made.Key.Name, made.Key.Prefix, made.Key.Scopes, made.Key.ExpiresAt }, lines =>
            {
                lines.WriteLine(made.Text);
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Good until {made.Key.ExpiresAt:yyyy-MM-dd HH:mm} UTC for {string.Join(", ", made.Key.Scopes)}."));
                lines.WriteLine("The key is stored nowhere and not shown again.");
            });
            return ExitCode.Done;
        });
    }

    private static Command List() => new Command("list", "all keys: prefix, state, last use, scopes") { Invocation.JsonOption }.Does(async (invocation, cancellationToken) =>
    {
        var keys = await invocation.Service<ApiKeyStore>().ListAsync(cancellationToken);
        var now = TimeProvider.System.GetUtcNow();
        invocation.Print(
            new
            {
                keys = keys.Select(key => new
                {
                    key.Name, key.Prefix, state = key.StateAt(now), key.Scopes, key.CreatedBy, key.CreatedAt, key.ExpiresAt, key.LastUsedAt, key.RevokedAt, key.RevokedBy,
                }),
            },
            lines =>
            {
                foreach (var key in keys)
                {
                    lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"{key.Prefix}  {key.StateAt(now),-8} until {key.ExpiresAt:yyyy-MM-dd}  {(key.LastUsedAt is { } used ? $"used {used:yyyy-MM-dd HH:mm}" : "never used"),-21}  {key.Name} ({string.Join(", ", key.Scopes)})"));
                }
                if (keys.Count == 0)
                {
                    lines.WriteLine("No keys: pimm keys create NAME --scopes campaigns:read makes one.");
                }
            });
        return ExitCode.Done;
    });

    private static Command Revoke()
    {
        var prefix = new Argument<string>("prefix") { Description = "the 8 letters behind pimm_, as keys list shows them" };
        return new Command("revoke", "a key opens nothing from now on, for ever") { prefix, Invocation.JsonOption }.Does(async (invocation, cancellationToken) =>
        {
            var revoked = await invocation.Service<KeyAdministration>().RevokeAsync(invocation.Arguments.GetRequiredValue(prefix), AuditActor.CommandLine, cancellationToken);
            invocation.Print(new { revoked.Name, revoked.Prefix, revoked.RevokedAt }, lines => lines.WriteLine($"The key {revoked.Prefix} of \"{revoked.Name}\" is revoked."));
            return ExitCode.Done;
        });
    }

    private static int Days(string text) =>
        int.TryParse(text.EndsWith('d') ? text[..^1] : text, NumberStyles.None, CultureInfo.InvariantCulture, out var days)
            ? days : throw new InputException($"--expires is \"{text}\": write a number of days as 90d.");
}
