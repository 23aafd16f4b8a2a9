using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;

namespace Pimm.Jobs.CommandLine;

/// <summary>What a verb is given while it runs: its arguments, where to write, and the product's services, built on first use.</summary>
public sealed class Invocation : IAsyncDisposable
{
    /// <summary>Add it to a verb that can answer with one JSON document.</summary>
    public static readonly Option<bool> JsonOption = new("--json") { Description = "print one JSON document on stdout and nothing else there" };

    /// <summary>camelCase, full doubles, infinities as the strings "Infinity" and "-Infinity", absent values null.</summary>
    public static readonly JsonSerializerOptions JsonFormat = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) }
    };

    private readonly Lazy<ServiceProvider> services = new(() => PimmHost.CreateServices());

    internal Invocation(ParseResult arguments)
    {
        Arguments = arguments;
        Json = arguments.GetResult(JsonOption) is not null && arguments.GetValue(JsonOption);
    }

    public ParseResult Arguments { get; }

    public bool Json { get; }

    public TextWriter Output => Arguments.InvocationConfiguration.Output;

    public TextWriter Error => Arguments.InvocationConfiguration.Error;

    /// <summary>A verb that needs no database never opens one: services connect when they are used.</summary>
    public T Service<T>() where T : notnull => services.Value.GetRequiredService<T>();

    /// <summary>The document with --json, else the lines for a person.</summary>
    public void Print(object document, Action<TextWriter> lines)
    {
        if (Json)
            Output.WriteLine(JsonSerializer.Serialize(document, JsonFormat));
        else
            lines(Output);
    }

    public ValueTask DisposeAsync() => services.IsValueCreated ? services.Value.DisposeAsync() : ValueTask.CompletedTask;
}

public static class CommandActions
{
    /// <summary>What a verb does; the answer is the exit code, an exception becomes one sentence on stderr.</summary>
    public static Command Does(this Command command, Func<Invocation, CancellationToken, Task<int>> run)
    {
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var invocation = new Invocation(arguments);
            return await run(invocation, cancellationToken);
        });
        return command;
    }

    /// <summary>A verb that only another of our processes starts.</summary>
    public static Command Hiding(this Command command)
    {
        command.Hidden = true;
        return command;
    }
}
