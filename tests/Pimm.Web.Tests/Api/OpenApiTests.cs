using System.Text.Json;
using System.Text.Json.Nodes;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests.Api;

public sealed class OpenApiTests(WebFixture web)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task The_document_of_the_running_app_is_the_one_in_the_repository()
    {
        var document = await DocumentAsync();

        document["openapi"]!.GetValue<string>().ShouldStartWith("3.1.");
        VerifiedFile.ShouldMatch(document.ToJsonString(Indented) + "\n", "../../../docs/openapi.json");
    }

    [Fact]
    public async Task Every_operation_has_a_name_a_summary_a_scope_described_parameters_problems_and_an_example()
    {
        var operations = Operations(await DocumentAsync()).ToList();

        operations.Select(operation => operation.Name).Order().ShouldBe(ApiEndpoint.All.Select(endpoint => $"{endpoint.Method} {Plain(endpoint.Pattern)}").Order());
        var lacking =
            from operation in operations
            from lack in Lacks(operation.Body)
            select $"{operation.Name} has no {lack}";
        lacking.ShouldBeEmpty();
        operations.Select(operation => operation.Body["operationId"]!.GetValue<string>()).ShouldBeUnique();
    }

    [Fact]
    public void Every_address_stands_in_the_table_of_the_documentation_with_its_scope()
    {
        var table = File.ReadAllLines(Path.Combine(Here(), "../../../docs/api.md")).Where(line => line.StartsWith("| `", StringComparison.Ordinal)).ToList();

        foreach (var endpoint in ApiEndpoint.All)
        {
            var address = Plain(endpoint.Pattern)["/api/v1".Length..];
            table.ShouldContain(line => System.Text.RegularExpressions.Regex.IsMatch(line, $@"^\| `{endpoint.Method} {System.Text.RegularExpressions.Regex.Escape(address)}(\?[^`]*)?` \| `{endpoint.Scope}` \|"), $"{endpoint}");
        }
    }

    private static string Here([System.Runtime.CompilerServices.CallerFilePath] string test = "") => Path.GetDirectoryName(test)!;

    private async Task<JsonNode> DocumentAsync()
    {
        using var nobody = new ApiClient(web.Address, null);
        return await nobody.GetAsync("/api/v1/openapi.json");
    }

    private static IEnumerable<(string Name, JsonNode Body)> Operations(JsonNode document) =>
        from path in document["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        select ($"{operation.Key.ToUpperInvariant()} {path.Key}", operation.Value!);

    private static IEnumerable<string> Lacks(JsonNode operation)
    {
        string?[] lacks =
        [
            operation["operationId"] is null ? "operationId" : null,
            operation["summary"] is null ? "summary" : null,
            operation["security"]?[0]?["ApiKey"]?.AsArray().Count == 1 ? null : "scope",
            .. (operation["parameters"]?.AsArray() ?? []).Where(parameter => parameter!["description"] is null).Select(parameter => $"description of {parameter!["name"]}"),
            .. new[] { "400", "401", "403", "429" }.Where(status => operation["responses"]![status]?["content"]?["application/problem+json"]?["schema"] is null).Select(status => $"answer {status}"),
            operation["requestBody"]?["content"]?["application/json"] is { } taken && taken["example"] is null ? "example of its body" : null,
            .. operation["responses"]!.AsObject().Where(answer => answer.Key[0] == '2' && answer.Value!["content"]?["application/json"] is { } given && given["example"] is null)
                .Select(answer => $"example of its answer {answer.Key}"),
        ];
        return lacks.OfType<string>();
    }

    // The document writes {id}, the route {id:long}.
    private static string Plain(string pattern) => System.Text.RegularExpressions.Regex.Replace(pattern, @"\{(\w+):\w+\}", "{$1}");
}
