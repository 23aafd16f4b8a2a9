using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Pimm.Core.Identifying;
using Pimm.Core.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Web.Tests;

/// <summary>Files over plain HTTP, as a page's script sends them.</summary>
public sealed class UploadTests(WebFixture web)
{
    private const string Path = "/imports/upload?kind=customers&name=..%2F..%2Fpeople.csv";

    private const string Send =
        """
        async ([path, content]) => {
            const token = document.querySelector('input[name="__RequestVerificationToken"]').value;
            const answer = await fetch(path, { method: 'POST', headers: { RequestVerificationToken: token, 'Content-Type': 'application/octet-stream' }, body: content });
            return JSON.stringify({ status: answer.status, body: await answer.text() });
        }
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_is_taken_hashed_and_described()
    {
        var (status, body) = await SendAsync("ada", Path, "key,mail,age\na,a@example.com,30\n");

        status.ShouldBe(201, body);
        using var document = JsonDocument.Parse(body);
        var answer = document.RootElement;
        answer.GetProperty("fileName").GetString().ShouldBe("people.csv");
        answer.GetProperty("sha256").GetString()!.Length.ShouldBe(64);
        var detection = answer.GetProperty("detection");
        detection.GetProperty("columns").EnumerateArray().Select(column => column.GetProperty("role").GetString()).ShouldBe(["key", "identifier:email", "feature"]);
        body.ShouldNotContain("a@example.com");
        await using var connection = await web.Database.DataSource.OpenConnectionAsync(Cancel);
        (await connection.ExecuteScalarAsync<string>("select uploaded_by from upload where id = @id", new { id = answer.GetProperty("uploadId").GetInt64() })).ShouldBe("user:ada");
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_answered_with_its_code()
    {
        var (status, body) = await SendAsync("ada", Path, "PK\u0003\u0004 and more");

        status.ShouldBe(201, body);
        body.ShouldContain("\"code\":\"not_text\"");
    }

    [Fact]
    public async Task Whoever_may_not_work_may_not_send()
    {
        var (status, body) = await SendAsync("vera", Path, "key,age\na,30\n");

        status.ShouldBe(403);
        body.ShouldContain("may import files");
    }

    [Fact]
    public async Task A_request_without_the_pages_token_is_refused()
    {
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = web.Address };
        var session = await SessionAsync("ada");

        (await client.SendAsync(new HttpRequestMessage(HttpMethod.Post, Path) { Content = new StringContent("key\na\n"), Headers = { { "Cookie", session } } }, Cancel)).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await client.SendAsync(new HttpRequestMessage(HttpMethod.Post, Path)
        {
            Content = new MultipartFormDataContent { { new StringContent("x"), "file", "x.csv" } }, Headers = { { "Cookie", session }, { "RequestVerificationToken", "none" } },
        }, Cancel)).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await client.PostAsync(Path, new StringContent("key\na\n"), Cancel)).StatusCode.ShouldBe(HttpStatusCode.Found);
    }

    [Fact]
    public async Task A_file_over_the_largest_size_is_refused_before_it_is_sent()
    {
        await using var page = await web.OpenAsync();
        var token = await page.Page.Locator("input[name=\"__RequestVerificationToken\"]").First.GetAttributeAsync("value");
        var cookies = string.Join("; ", (await page.Page.Context.CookiesAsync()).Select(cookie => $"{cookie.Name}={cookie.Value}"));
        using var socket = new TcpClient();
        await socket.ConnectAsync(web.Address.Host, web.Address.Port, Cancel);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST {Path} HTTP/1.1\r\nHost: {web.Address.Authority}\r\nCookie: {cookies}\r\nRequestVerificationToken: {token}\r\nContent-Type: application/octet-stream\r\nContent-Length: 99999999999\r\n\r\n"), Cancel);

        using var reader = new StreamReader(stream);
        (await reader.ReadLineAsync(Cancel)).ShouldBe("HTTP/1.1 413 Payload Too Large");
    }

    [Fact]
    public async Task Bad_rows_come_down_with_what_is_wrong_and_the_audit_says_so()
    {
        await using var connection = await web.Database.DataSource.OpenConnectionAsync(Cancel);
        var audience = await connection.ExecuteScalarAsync<long>("select min(id) from audience");
        var id = await connection.ExecuteScalarAsync<long>(
            """
            insert into import_file(audience_id, kind, file_name, sha256, received, created, updated, skipped, quarantined, imported_at, header, delimiter)
            values (@audience, 'customers', 'bad.csv', decode(repeat('00', 32), 'hex'), 1, 0, 0, 0, 1, now(), 'customer_id,age,city', ',') returning id
            """, new { audience });
        await web.Services.GetRequiredService<Sealer>().ReadyAsync(Cancel);
        await web.Services.GetRequiredService<QuarantineStore>().AddAsync(connection, id,
            [new ImportProblem(2, "age", ImportCode.BadNumber, "'old' is no number.") { Value = "old", Raw = "x1,old,Kiel\n"u8.ToArray() }]);
        await using var page = await web.OpenAsync();

        var rows = await page.Page.EvaluateAsync<string>("async path => await (await fetch(path)).text()", $"/imports/{id}/problems.csv");

        rows.ShouldStartWith("customer_id,age,city,pimm_error_line,");
        rows.ShouldContain("x1,old,Kiel,2,bad_number,age,old,");
        var folder = System.IO.Path.Combine(web.Uploads, "outbox");
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(folder).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.GetFiles(folder).ShouldBeEmpty();
        (await connection.ExecuteScalarAsync<long>("select count(*) from audit_event where action = 'import.download' and object_id = @id and actor = 'user:ada'", new { id = $"{id}" })).ShouldBe(1);
        using var nobody = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = web.Address };
        (await nobody.GetAsync($"/imports/{id}/problems.csv", Cancel)).StatusCode.ShouldBe(HttpStatusCode.Found);
    }

    private async Task<(int Status, string Body)> SendAsync(string user, string path, string content)
    {
        await using var page = await web.OpenAsync(user);
        using var answer = JsonDocument.Parse(await page.Page.EvaluateAsync<string>(Send, new[] { path, content }));
        return (answer.RootElement.GetProperty("status").GetInt32(), answer.RootElement.GetProperty("body").GetString()!);
    }

    private async Task<string> SessionAsync(string user)
    {
        await using var page = await web.OpenAsync(user);
        return string.Join("; ", (await page.Page.Context.CookiesAsync()).Select(cookie => $"{cookie.Name}={cookie.Value}"));
    }
}
